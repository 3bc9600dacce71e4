import { listedModes } from '../preflight/addon-schema.ts';
import type { Subject } from '../preflight/check.ts';
import { formerProxying } from '../preflight/former-mode.ts';
import { kernelsForNftables } from '../preflight/kernels.ts';
import { vpcCni } from '../preflight/vpc-cni.ts';
import { releaseText } from '../values/release.ts';
import { type Advice, advise } from './advice.ts';

/** The advice that follows from what a look found. */
export function adviceOf(subject: Subject): Advice {
  const { snapshot, workloads } = subject;
  const { name, version, autoMode, addon } = snapshot;
  const cni = workloads === null ? null : vpcCni(workloads);
  const release = cni?.kind === 'read' ? (cni.value?.release ?? null) : null;
  return advise({
    cluster: name,
    version,
    autoMode,
    running: formerProxying(subject)?.mode ?? null,
    addon: addon && { version: addon.version, modes: listedModes(addon.schema) },
    services: workloads?.serviceTotals?.count ?? null,
    cni: release && releaseText(release),
    kernels: kernelsForNftables(subject),
  });
}
