import { named } from '../values/named.ts';
import { block, type Checks, type Finding, pass, refuse, type Subject, unknown, workloadCheck } from './check.ts';
import { fieldsOfOthers, isWrittenByEks } from './field-managers.ts';
import { compareVersions, imageVersion, readVersion } from './kube-proxy-version.ts';
import type { ClusterSnapshot } from './snapshot.ts';
import { type DaemonSetSummary, findDaemonSet, type Read, type Workloads } from './workloads.ts';

/** kube-proxy's own DaemonSet; null if there is none. */
export function kubeProxySet({ daemonSets }: Workloads): Read<DaemonSetSummary | null> {
  if (daemonSets.kind === 'unreadable') return daemonSets;
  const inSystem = daemonSets.value.filter(({ namespace }) => namespace === 'kube-system');
  return { kind: 'read', value: findDaemonSet(inSystem, { name: 'kube-proxy' }) ?? null };
}

/** The image that kube-proxy runs; the DaemonSet may have other containers. Null if it is not known. */
export function kubeProxyImage(workloads: Workloads): string | null {
  const set = kubeProxySet(workloads);
  const images = (set.kind === 'read' ? set.value?.images : undefined) ?? [];
  return images.find((image) => /(^|\/)kube-proxy[:@]/.test(image)) ?? images[0] ?? null;
}

const BY = 'the DaemonSet kube-proxy';
const FIX_EDITS = 'Note what you need of it, since the add-on cannot keep it; then acknowledge daemon-set-edits.';

/** Fields that others wrote into the DaemonSet: with OVERWRITE EKS writes each of its own fields again. */
function daemonSetEdits(workloads: Workloads, { way }: Subject): Finding | null {
  if (way === 'config-map') return null;
  const set = kubeProxySet(workloads);
  if (set.kind === 'unreadable') return unknown(`edits of ${BY}: ${set.why}`, FIX_EDITS);
  if (set.value === null) return null;
  const { fieldManagers = [] } = set.value;
  if (fieldManagers.length === 0) return unknown(`who wrote ${BY}: it names no field managers`, FIX_EDITS);
  const edits = fieldsOfOthers(fieldManagers);
  if (edits.length === 0) return pass(`EKS alone wrote ${BY}`);
  const fields = edits.map(({ field, manager }) => `${field.replace(/^spec\./, '')} (${manager})`);
  return isWrittenByEks(fieldManagers)
    ? block(
        `others wrote fields of ${BY}, and EKS would overwrite those that are its own: ${named(fields, { most: 10 })}`,
        FIX_EDITS,
      )
    : block(`EKS did not write ${BY}, and would overwrite it: ${named(fields, { most: 10 })}`, FIX_EDITS);
}

/** The version of the add-on that would be sent; null if none would be. */
function versionSent({ addon, offered }: ClusterSnapshot, way: Subject['way']): string | null {
  if (way === 'config-map') return null;
  return addon?.version ?? offered?.version ?? null;
}

/** The minor version of the kube-proxy that will run after the change; null if it is not known. */
export function kubeProxyMinor({ snapshot, way, workloads }: Subject): number | null {
  const sent = versionSent(snapshot, way);
  if (sent !== null) return readVersion(sent)?.[1] ?? null;
  const image = workloads === null ? null : kubeProxyImage(workloads);
  return image === null ? null : (imageVersion(image)?.[1] ?? null);
}

/** EKS sets the image of the add-on's version, and neither a rollback nor the deletion of the add-on reverts it. */
function kubeProxyImageCheck(workloads: Workloads, { snapshot, way }: Subject): Finding | null {
  const sent = versionSent(snapshot, way);
  const image = kubeProxyImage(workloads);
  if (sent === null) return null;
  const fix =
    way === 'create-addon'
      ? 'Set the image of the DaemonSet to a version that the add-on has, or choose the way config-map.'
      : `Bring the add-on to the version of the image first: aws eks update-addon --cluster-name ${snapshot.name} --addon-name kube-proxy --addon-version VERSION`;
  const set = kubeProxySet(workloads);
  if (set.kind === 'unreadable') return unknown(`the image of ${BY}: ${set.why}`, fix);
  if (set.value === null) return null;
  const [now, after] = [image === null ? null : imageVersion(image), readVersion(sent)];
  if (now === null || after === null)
    return block(
      `unknown: whether kube-proxy's version would go down, from the image ${image ?? '(none)'} to the add-on's ${sent}; a rollback does not restore the image`,
      `${fix} Or acknowledge kube-proxy-image.`,
    );
  const ahead = compareVersions(after, now);
  if (ahead === 0) return pass(`kube-proxy runs the image of ${sent}`);
  if (ahead < 0)
    return refuse(
      `kube-proxy runs the image ${image}, which is newer than the add-on's ${sent}: its version would go down, and a rollback does not restore the image`,
      fix,
    );
  const goesUp = `kube-proxy runs the image ${image}, which is older than the add-on's ${sent}: its version would go up, and a rollback does not restore the image`;
  return way === 'create-addon'
    ? { verdict: 'WARN', why: goesUp, fix }
    : block(goesUp, `${fix} Or acknowledge kube-proxy-image.`);
}

export const DAEMON_SET_CHECKS = {
  'daemon-set-edits': {
    source: 'https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('edits of the DaemonSet kube-proxy that EKS would overwrite', daemonSetEdits),
  },
  'kube-proxy-image': {
    source: 'https://docs.aws.amazon.com/eks/latest/userguide/managing-kube-proxy.html',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck("the version of kube-proxy's image, which may be newer than the add-on's", kubeProxyImageCheck),
  },
} satisfies Checks;
