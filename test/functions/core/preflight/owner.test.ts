import { describe, expect, it } from 'vitest';
import { ownerOf, reconcilerOf } from '../../../../functions/core/preflight/owner.ts';

const NONE = { labels: {}, annotations: {}, managers: ['eks', 'kubectl-client-side-apply', 'kube-controller-manager'] };

describe('who would put a Kubernetes object back', () => {
  it.each([
    ['Argo CD', { annotations: { 'argocd.argoproj.io/tracking-id': 'infra:apps/DaemonSet:kube-system/kube-proxy' } }],
    ['Argo CD', { managers: ['argocd-controller'] }],
    ['Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'infra' } }],
    ['Flux', { managers: ['kustomize-controller'] }],
    ['kro', { labels: { 'kro.run/owned': 'true' } }],
    ['ACK', { labels: { 'services.k8s.aws/region': 'us-east-1' } }],
    ['Helm', { annotations: { 'meta.helm.sh/release-name': 'kube-proxy' } }],
    ['Terraform', { managers: ['Terraform'] }],
  ])('is %s', (owner, marks) => {
    expect(reconcilerOf({ ...NONE, ...marks })).toBe(owner);
  });

  it('is nobody where only EKS and people wrote', () => {
    expect(reconcilerOf({ ...NONE, labels: { 'app.kubernetes.io/managed-by': 'eks' } })).toBeNull();
  });
});

it('ACK marks what it made with tags', () => {
  expect(ownerOf({ 'services.k8s.aws/controller-version': 'eks-1.6.0' })).toBe('ACK');
});
