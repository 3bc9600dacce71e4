/**
 * Sizes of what goes through a state machine. Step Functions ends an execution with States.DataLimitExceeded, which no
 * Catch sees, when a payload has more than 256 KiB of JSON.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */

/** Bytes of the largest answer of a function; the rest of 256 KiB is for what Lambda's integration adds. */
export const LARGEST_ANSWER = 200 * 1024;

/** Characters of the longest configuration that state data carries. kube-proxy's own has 1,000. */
export const LONGEST_CONFIGURATION = 32_768;

/** Bytes of that configuration as a JSON text: a payload carries three of them. */
const LARGEST_CONFIGURATION = 48 * 1024;

/**
 * Characters that a reference may carry. A payload of Step Functions has 256 KiB, and one answer holds an inventory or a
 * dispatch beside small facts. 96 KiB hold the inventory of some 3,000 nodes.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const MOST_CARRIED = 96 * 1024;

/** Bytes that a value takes as JSON. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value) ?? '').length;
}

/** True for a configuration that state data can carry, whether it is values of the add-on or a ConfigMap's text. */
export function fitsStateData(text: string): boolean {
  return text.length <= LONGEST_CONFIGURATION && jsonBytes(text) <= LARGEST_CONFIGURATION;
}
