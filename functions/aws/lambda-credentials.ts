import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Replaces the SDK's search through profiles, SSO and metadata services in the bundles (build.ts does it): a function
 * finds its role's credentials only in its environment, and its bundle is 80 KB smaller.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export const defaultProvider = fromEnv;
