/** Worker nodes alone, without a cluster. */
export { CACHE, kernelNodesAvailable } from './kernel/available.ts';
export { type KernelMachine, kernelMachine } from './kernel/machine.ts';
export { modelMachine } from './model.ts';
