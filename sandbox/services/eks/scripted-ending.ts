import type { AddonFault } from '../../faults/kinds.ts';
import type { Addon, AddonUpdate } from '../../region.ts';

/** How a change of an add-on is to end; asked at its end. */
export type AddonEnding = () => Pick<AddonFault, 'addonUpdate' | 'code' | 'applied'> | undefined;
export type ScriptedEnding = NonNullable<ReturnType<AddonEnding>>;

const WHY = 'a scripted fault of the sandbox';

/** Ends an update Failed or Cancelled. A cancelled one leaves the add-on ACTIVE. */
export function endUpdate(addon: Addon, update: AddonUpdate, { addonUpdate, code }: ScriptedEnding): void {
  update.status = addonUpdate === 'Cancelled' ? 'Cancelled' : 'Failed';
  if (code !== undefined) update.errors.push({ errorCode: code, errorMessage: WHY });
  addon.status = addonUpdate === 'Cancelled' ? 'ACTIVE' : 'UPDATE_FAILED';
}

/** The add-on's health after a change that was made. */
export function settleHealth(addon: Addon, scripted: ScriptedEnding | undefined): void {
  delete addon.issues;
  addon.status = scripted?.addonUpdate === 'Degraded' ? 'DEGRADED' : 'ACTIVE';
  if (addon.status === 'DEGRADED') addon.issues = [{ code: scripted?.code ?? '', message: WHY }];
}
