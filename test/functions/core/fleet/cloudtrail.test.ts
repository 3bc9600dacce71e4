import { describe, expect, it } from 'vitest';
import {
  parseAddonCall,
  parseClusterCreated,
  parseResourceTagged,
} from '../../../../functions/core/fleet/cloudtrail.ts';
import { recordedCall as call } from '../../handlers/events.ts';

const ADA = {
  eventId: '5b2c0d0e-0d6c-4c8e-9c57-2d54c2f6f3a1',
  by: 'arn:aws:sts::111122223333:assumed-role/platform/ada',
  own: false,
};
const MADE = { kind: 'made', ...ADA };

describe('the record of a CreateCluster', () => {
  const parameters = { name: 'demo', version: '1.34', tags: { team: 'checkout' }, resourcesVpcConfig: {} };

  it('tells the cluster, its tags, and who made it', () => {
    expect(parseClusterCreated(call('CreateCluster', parameters))).toEqual({
      ...MADE,
      cluster: 'demo',
      tags: { team: 'checkout' },
    });
  });

  it.each([
    [undefined, 'The event must'],
    [{}, 'source must be "aws.eks", but it is nothing.'],
    [{ ...call('CreateCluster', parameters), source: 'me' }, 'source must be "aws.eks", but it is "me".'],
    [call('DeleteCluster', parameters), 'detail.eventName must be one of CreateCluster, but it is "DeleteCluster".'],
    [call('CreateCluster', null), 'detail.requestParameters must'],
    [
      call('CreateCluster', { name: '$(reboot)' }),
      'detail.requestParameters.name must be an EKS cluster\'s name, but it is "$(reboot)".',
    ],
    [call('CreateCluster', parameters, { eventID: '' }), 'detail.eventID must'],
  ])('that is malformed is refused by field and rule: %#', (event, message) => {
    expect(() => parseClusterCreated(event)).toThrow(
      expect.objectContaining({ name: 'InvalidRequest', message: expect.stringContaining(message) }),
    );
  });
});

describe('the record of a call about an add-on', () => {
  const parameters = { name: 'demo', addonName: 'kube-proxy', configurationValues: '{"mode":"iptables"}' };

  it.each(['CreateAddon', 'UpdateAddon', 'DeleteAddon'])('tells which cluster and what was sent: %s', (name) => {
    expect(parseAddonCall(call(name, parameters))).toEqual({
      ...MADE,
      call: name,
      cluster: 'demo',
      addon: 'kube-proxy',
      configuration: '{"mode":"iptables"}',
    });
  });

  it("may name the cluster by the API's member, and carry no configuration", () => {
    const event = call('UpdateAddon', { clusterName: 'demo', addonName: 'coredns' });
    expect(parseAddonCall(event)).toMatchObject({ cluster: 'demo', addon: 'coredns', configuration: null });
  });

  it('without a cluster is refused by field and rule', () => {
    expect(() => parseAddonCall(call('UpdateAddon', { addonName: 'kube-proxy' }))).toThrow(
      "detail.requestParameters.name must be an EKS cluster's name, but it is nothing.",
    );
  });

  it.each([
    ['arn:aws:sts::111122223333:assumed-role/nightshift-update-addon/nightshift-update-addon', true],
    ['arn:aws-cn:sts::111122223333:assumed-role/nightshift-migrate-cluster/abc', true],
    ['arn:aws:sts::111122223333:assumed-role/admin/nightshift-update-addon', false],
    ['arn:aws:iam::111122223333:user/nightshift-ada', false],
  ])("knows nightshift's own roles: %s", (arn, own) => {
    expect(parseAddonCall(call('UpdateAddon', parameters, { userIdentity: { arn } }))).toMatchObject({ by: arn, own });
  });

  it('of an AWS service names the service', () => {
    const userIdentity = { type: 'AWSService', invokedBy: 'cloudformation.amazonaws.com' };
    expect(parseAddonCall(call('UpdateAddon', parameters, { userIdentity }))).toMatchObject({
      by: 'cloudformation.amazonaws.com',
      own: false,
    });
  });
});

describe('the record of a tagged resource', () => {
  it.each([
    ['arn:aws:eks:us-east-1:111122223333:cluster/demo', 'demo'],
    ['arn%3Aaws%3Aeks%3Aus-east-1%3A111122223333%3Acluster%2Fdemo', 'demo'],
    ['arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/demo', 'demo'],
    ['arn:aws:eks:us-east-1:111122223333:nodegroup/demo/blue/0ab', null],
    ['arn:aws:eks:us-east-1:111122223333:cluster/%', null],
  ])('tells whether it is a cluster: %s', (resourceArn, cluster) => {
    expect(parseResourceTagged(call('TagResource', { resourceArn, tags: { a: 'b' } }))).toMatchObject({ cluster });
  });
});

describe('the record of a call that EKS refused', () => {
  it.each([
    [parseClusterCreated, 'CreateCluster'],
    [parseAddonCall, 'CreateAddon'],
    [parseAddonCall, 'UpdateAddon'],
    [parseAddonCall, 'DeleteAddon'],
    [parseResourceTagged, 'TagResource'],
    [parseResourceTagged, 'UntagResource'],
  ])('tells why, and needs no parameters: %o', (parse, name) => {
    const refused = { kind: 'refused', ...ADA, call: name, errorCode: 'AccessDenied' };
    for (const parameters of [null, undefined, {}, { name: '$(reboot)' }])
      expect(parse(call(name, parameters, { errorCode: 'AccessDenied' }))).toEqual(refused);
    expect(() => parse(call(name, null))).toThrow('detail.requestParameters must');
  });
});
