/** Starts a sandbox, and describes what can be seen in it. */
export { OTHER } from './faults/others.ts';
export type {
  AddonUpdate,
  ApiCall,
  ClusterService,
  CommandResult,
  KubeProxyStart,
  NodeMachine,
  NodeReport,
  Region,
} from './region.ts';
export { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts';
export { instanceTags } from './services/ec2.ts';
export type { ClusterReport, NodeState, SandboxState } from './state.ts';
export { TemplateError } from './template/stack.ts';
export { type World, WorldError } from './world.ts';
