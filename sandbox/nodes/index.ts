/** Worker nodes alone, without a cluster, and what the models of documents are made of. */
export { CACHE, kernelNodesAvailable } from './kernel/available.ts';
export { type KernelMachine, kernelMachine } from './kernel/machine.ts';
export { load } from './kube-proxy-start.ts';
export { hears } from './metrics-address.ts';
export { type ModelDocument, type ModelDocuments, type ModelState, modelMachine } from './model.ts';
export { count, endpointsOf, split } from './model-rules.ts';
