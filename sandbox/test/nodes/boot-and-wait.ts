// Run by kernel-machine.kernel.test.ts as a process of its own, which is then killed.
import { VirtualMachine } from '../../nodes/kernel/vm.ts';

await VirtualMachine.boot('orphan');
process.stdout.write('booted\n');
setInterval(() => {}, 60_000);
