import * as z from 'zod/mini';

/** https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html */
const NAME = /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/;
const RULE = "must be an EKS cluster's name: a letter or digit, then up to 99 letters, digits, - or _";

/** A schema for the name of an EKS cluster. `rule` is the sentence for what is not one. */
export const clusterName = (rule = RULE) => z.string({ error: rule }).check(z.regex(NAME, rule));

/** True for text that is a cluster's name. */
export function isClusterName(text: string): boolean {
  return NAME.test(text);
}

const ARN = /^arn:[\w-]+:eks:[\w-]+:\d{12}:(?:cluster\/([^/]+)|addon\/([^/]+)\/([^/]+)\/[^/]+)$/;

/** What an EKS ARN names; `addon` is null for a cluster's own ARN. */
export interface EksArn {
  cluster: string;
  addon: string | null;
}

/**
 * Reads the ARN of a cluster or of one of its add-ons; null for any other text.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html
 */
export function parseEksArn(arn: string): EksArn | null {
  const [, cluster, addonsCluster, addon = null] = ARN.exec(arn) ?? [];
  const name = cluster ?? addonsCluster;
  return name === undefined || !isClusterName(name) ? null : { cluster: name, addon };
}
