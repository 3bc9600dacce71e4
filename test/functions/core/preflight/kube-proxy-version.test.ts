import { describe, expect, test } from 'vitest';
import {
  compareVersions,
  imageVersion,
  readVersion,
  versionToAdopt,
} from '../../../../functions/core/preflight/kube-proxy-version.ts';

describe('the version of an image', () => {
  test.each([
    ['602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/kube-proxy:v1.34.2-minimal-eksbuild.7', [1, 34, 2, 7]],
    ['602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/kube-proxy:v1.28.15-eksbuild.24', [1, 28, 15, 24]],
    ['registry.example:5000/kube-proxy:v1.34.1-eksbuild.2@sha256:0a1b', [1, 34, 1, 2]],
    ['registry.example:5000/kube-proxy', null],
    ['registry.example/kube-proxy@sha256:0a1b', null],
    ['registry.k8s.io/kube-proxy:v1.34.1', null],
    ['registry.example/kube-proxy:latest', null],
  ])('%s is %j', (image, version) => {
    expect(imageVersion(image)).toEqual(version);
  });

  test.each([
    ['v1.34.2-eksbuild.1', 'v1.34.1-eksbuild.9', 1],
    ['v1.9.0-eksbuild.1', 'v1.34.0-eksbuild.1', -25],
    ['v1.34.1-eksbuild.10', 'v1.34.1-eksbuild.9', 1],
    ['v1.34.1-minimal-eksbuild.2', 'v1.34.1-eksbuild.2', 0],
  ])('%s against %s is %i', (one, other, expected) => {
    const [first, second] = [readVersion(one), readVersion(other)];
    expect(first && second && compareVersions(first, second)).toBe(expected);
  });
});

describe('a self-managed kube-proxy is adopted by', () => {
  const offered = {
    version: 'v1.34.1-eksbuild.2',
    versions: ['v1.34.3-eksbuild.5', 'v1.34.3-eksbuild.2', 'v1.34.1-eksbuild.2', 'v1.34.0-eksbuild.2'],
  };
  test.each([
    ['its own version', 'kube-proxy:v1.34.0-minimal-eksbuild.2', 'v1.34.0-eksbuild.2'],
    ['the default version where that is newer', 'kube-proxy:v1.33.9-eksbuild.1', 'v1.34.1-eksbuild.2'],
    ['the oldest newer version where the default is older', 'kube-proxy:v1.34.2-eksbuild.1', 'v1.34.3-eksbuild.2'],
    ['the default version where none is newer', 'kube-proxy:v1.34.9-eksbuild.1', 'v1.34.1-eksbuild.2'],
    ['the default version where its image has no version', 'kube-proxy:latest', 'v1.34.1-eksbuild.2'],
    ['the default version where its image is not known', null, 'v1.34.1-eksbuild.2'],
  ])('%s', (_, image, expected) => {
    expect(versionToAdopt(offered, image)).toBe(expected);
  });
});
