const { Date: MachineDate, setTimeout: machineTimer } = globalThis;

/** The time at which `Date` stands still; undefined where it goes on. @type {number | undefined} */
let moment;

const now = () => moment ?? MachineDate.now();

export const machineNow = () => MachineDate.now();

/**
 * Lets time stand still in this thread: `Date` answers this moment, and a pause, which is a timer that does nothing but
 * resolve a promise, takes no time. Other timers are deadlines of what goes on meanwhile: they keep to the machine's time.
 *
 * @param {number} milliseconds since 1970
 */
export function standStill(milliseconds) {
  moment = milliseconds;
}

/** @type {(run: unknown) => boolean} */
const isPause = (run) =>
  typeof run === 'function' && run.name === '' && run.length === 1 && String(run).endsWith('{ [native code] }');

globalThis.Date = new Proxy(MachineDate, {
  construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
  apply: () => new MachineDate(now()).toString(),
  get: (target, member) => (member === 'now' ? now : Reflect.get(target, member)),
});
globalThis.setTimeout = new Proxy(machineTimer, {
  apply: (timer, self, [run, delay, ...given]) =>
    Reflect.apply(timer, self, [run, moment !== undefined && isPause(run) ? 0 : delay, ...given]),
});
