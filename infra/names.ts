import { Aws } from 'aws-cdk-lib';
import { namesIn } from './naming.ts';

/** The names in a template, which names neither account nor Region. */
export const TEMPLATE_NAMES = namesIn({ partition: Aws.PARTITION, region: Aws.REGION, account: Aws.ACCOUNT_ID });
export const { names, arns } = TEMPLATE_NAMES;
