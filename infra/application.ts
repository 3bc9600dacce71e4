import { App, DefaultStackSynthesizer, type IReusableStackSynthesizer, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Config } from './config.ts';
import { NightshiftStack } from './stack.ts';

/** The application with its one stack. */
export interface Application {
  app: App;
  stack: NightshiftStack;
}

/**
 * One stack, written to `outdir` when it is synthesized, and meanwhile checked by cdk-nag's AwsSolutions unless `checked`
 * is false. Needs the bundles, in dist or in the folder `bundles`, and neither an account nor a network. Throws
 * InvalidConfiguration for a function without a bundle.
 */
export function application(
  config: Config,
  outdir: string,
  { checked = true, bundles }: { checked?: boolean; bundles?: string } = {},
): Application {
  const app = new App({
    outdir,
    defaultStackSynthesizer: synthesizer(config.assetsBucket),
    analyticsReporting: false,
    // What CloudFormation would refuse fails here already.
    context: { '@aws-cdk/core:validateAgainstDefaultRules': checked },
  });
  if (checked) Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = new NightshiftStack(app, 'nightshift', {
    stackName: 'nightshift',
    description: 'nightshift moves kube-proxy of EKS clusters to IPVS in their off-hours, and proves it on every node',
    config,
    ...(bundles !== undefined && { bundles }),
  });
  for (const [key, value] of Object.entries(config.tags)) Tags.of(app).add(key, value);
  return { app, stack };
}

/** With a configured bucket, accounts need no bootstrap stack: a stack set can deploy the template to all of them. */
function synthesizer(assetsBucket: string | null): IReusableStackSynthesizer {
  const own: unknown = new DefaultStackSynthesizer(
    assetsBucket === null ? {} : { fileAssetsBucketName: assetsBucket, generateBootstrapVersionRule: false },
  );
  if (isReusable(own)) return own;
  throw new Error('the synthesizer cannot be reused');
}

/** The library's class implements the interface, but not under types that distinguish absent from undefined. */
function isReusable(value: unknown): value is IReusableStackSynthesizer {
  return value instanceof DefaultStackSynthesizer;
}
