import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Stands in the bundles for the SDK's search through profiles, SSO and metadata services (build.ts puts it there): a
 * function finds its role's credentials in its environment and nowhere else, and 80 KB less start with it.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export const defaultProvider = fromEnv;
