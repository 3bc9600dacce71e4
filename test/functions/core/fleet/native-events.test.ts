import { describe, expect, it } from 'vitest';
import { isAddonEvent, parseAddonEvent, parseInstanceRunning } from '../../../../functions/core/fleet/native-events.ts';
import { addonEvent as ofEks, running as runningAt } from '../../handlers/events.ts';

const addonEvent = (detail: unknown, resources: string[] = []) => ({ ...ofEks('Update Succeeded'), resources, detail });
const DEMO = { eventId: '1d2f3a4b-0c0d-4e4f-8a8b-9c9d0e0f1a1b', what: 'EKS Addon Update Succeeded', cluster: 'demo' };
const ARN = 'arn:aws:eks:us-east-1:111122223333';

describe("EKS's own event about an add-on", () => {
  it.each([
    [addonEvent({ clusterName: 'demo', addonName: 'kube-proxy' }), 'kube-proxy'],
    [addonEvent({ 'cluster-name': 'demo', 'addon-name': 'coredns' }), 'coredns'],
    [addonEvent({ clusterName: 'demo' }, [`${ARN}:addon/demo/kube-proxy/0ab1`]), 'kube-proxy'],
    [addonEvent({}, [`${ARN}:addon/demo/kube-proxy/0ab1`]), 'kube-proxy'],
    [addonEvent({ addonArn: `${ARN}:addon/demo/vpc-cni/0ab1` }), 'vpc-cni'],
    [addonEvent({ cluster: `${ARN}:cluster/demo` }), null],
    [addonEvent({ status: 'ACTIVE' }, [`${ARN}:cluster/demo`]), null],
  ])('names its cluster and add-on wherever EKS puts them: %#', (event, addon) => {
    expect(parseAddonEvent(event)).toEqual({ ...DEMO, addon });
  });

  it.each([
    [addonEvent({}), 'detail.clusterName must name an EKS cluster, or resources must, but neither does.'],
    [addonEvent({ clusterName: '$(reboot)' }), 'detail.clusterName must name an EKS cluster'],
    [addonEvent(null), 'detail must be a JSON object, but it is null.'],
    [{ ...addonEvent({}), 'detail-type': 'EKS Nodegroup' }, 'detail-type must begin with "EKS Addon "'],
    [{ ...addonEvent({}), source: 'aws.ecs' }, 'source must be "aws.eks", but it is "aws.ecs".'],
  ])('that is malformed is refused by field and rule: %#', (event, message) => {
    expect(() => parseAddonEvent(event)).toThrow(
      expect.objectContaining({ name: 'InvalidRequest', message: expect.stringContaining(message) }),
    );
  });

  it('is told from a recorded call', () => {
    expect(isAddonEvent(addonEvent({}))).toBe(true);
    expect([{ 'detail-type': 'AWS API Call via CloudTrail' }, {}, null, 'x'].map(isAddonEvent)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("EC2's word that an instance runs", () => {
  const running = runningAt('i-0abcd1111', '2026-11-20T22:07:12Z');

  it('tells which, and when', () => {
    expect(parseInstanceRunning(running)).toEqual({ instanceId: 'i-0abcd1111', at: new Date('2026-11-20T22:07:12Z') });
  });

  it.each([
    [{ ...running, detail: { ...running.detail, state: 'pending' } }, 'detail.state must be "running"'],
    [{ ...running, detail: { state: 'running' } }, "detail.instance-id must be an instance's id, but it is nothing."],
    [{ ...running, time: 'now' }, 'time must be a moment such as 2026-11-21T07:00:00Z, but it is "now".'],
    [[], 'The event must be a JSON object, but it is [].'],
  ])('that is malformed is refused by field and rule: %#', (event, message) => {
    expect(() => parseInstanceRunning(event)).toThrow(
      expect.objectContaining({ name: 'InvalidRequest', message: expect.stringContaining(message) }),
    );
  });
});
