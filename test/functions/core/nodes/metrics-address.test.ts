import { describe, expect, it } from 'vitest';
import { answersFromOutside, answersOnNode, metricsAddress } from '../../../../functions/core/nodes/metrics-address.ts';

describe('where kube-proxy answers', () => {
  it.each([
    ['', '127.0.0.1', 10249, true, false],
    ['0.0.0.0:10249', '0.0.0.0', 10249, true, true],
    ['0.0.0.0', '0.0.0.0', 10249, true, true],
    [':10249', '', 10249, true, true],
    ['[::]:10249', '::', 10249, true, true],
    ['::', '::', 10249, true, true],
    ['[::1]:10249', '::1', 10249, true, false],
    ['127.0.0.1:10249', '127.0.0.1', 10249, true, false],
    ['127.0.0.1:9249', '127.0.0.1', 9249, false, false],
    ['0.0.0.0:9249', '0.0.0.0', 9249, false, false],
    ['10.0.0.5:10249', '10.0.0.5', 10249, false, false],
  ])('%j is %s port %i', (text, host, port, onNode, fromOutside) => {
    const address = metricsAddress(text);
    expect(address).toEqual({ host, port });
    expect(address && [answersOnNode(address), answersFromOutside(address)]).toEqual([onNode, fromOutside]);
  });

  it.each(['127.0.0.1:port', 'http://0.0.0.0:10249', '[::', '0.0.0.0:1000000'])('%j is not understood', (text) => {
    expect(metricsAddress(text)).toBeNull();
  });
});
