/** Worker nodes alone, without a cluster, and what the models of documents are made of. */
export { CACHE, kernelNodesAvailable } from './kernel/available.ts';
export { type KernelMachine, kernelMachine } from './kernel/machine.ts';
export { isThere, load } from './kube-proxy-start.ts';
export { type ModelDocument, type ModelDocuments, modelMachine } from './model.ts';
export { count, endpointsOf, split } from './model-rules.ts';
export { askKubeProxy, type ModelState, NFT_TABLES } from './model-state.ts';
