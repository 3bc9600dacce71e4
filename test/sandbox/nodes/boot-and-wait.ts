// Run by kernel-node.kernel.test.ts as a process of its own, which is then killed.
import { VirtualMachine } from '../../../sandbox/nodes/kernel/vm.ts';

await VirtualMachine.boot('orphan');
process.stdout.write('booted\n');
setInterval(() => {}, 60_000);
