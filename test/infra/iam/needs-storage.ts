import type { Need } from '@nightshift/sandbox/iam';
import { arn, type Call, type Needs, need, type Surroundings, text } from './surroundings.ts';

const bucketArn = (input: Call['input']) => `arn:aws:s3:::${text(input, 'Bucket')}`;
const objectArn = (input: Call['input']) => `${bucketArn(input)}/${text(input, 'Key')}`;

/** With a bucket key, S3 asks KMS in the bucket's name. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html */
function key(action: string, { input }: Call, around: Surroundings): Need[] {
  const resource = around.bucketKey(text(input, 'Bucket'));
  if (resource === undefined) return [];
  const context = {
    'kms:ViaService': `s3.${around.region}.amazonaws.com`,
    'kms:EncryptionContext:aws:s3:arn': bucketArn(input),
  };
  return [need(`kms:${action}`, resource, context)];
}

const put: Needs = (call, around) => [
  need('s3:PutObject', objectArn(call.input)),
  ...key('GenerateDataKey', call, around),
];

/** Who may not list a bucket is not told that an object is missing, but that it is forbidden. */
const get: Needs = (call, around) => {
  const own = need('s3:GetObject', objectArn(call.input));
  const missing = call.error === 'NoSuchKey' || call.error === 'NotFound';
  return missing ? [own, need('s3:ListBucket', bucketArn(call.input))] : [own, ...key('Decrypt', call, around)];
};

/** S3, SQS and SNS. */
export const STORAGE_NEEDS: Readonly<Record<string, Readonly<Record<string, Needs>>>> = {
  s3: {
    PutObject: put,
    GetObject: get,
    HeadObject: get,
    DeleteObject: ({ input }) => [need('s3:DeleteObject', objectArn(input))],
    ListObjectsV2: ({ input }) => [
      need(
        's3:ListBucket',
        bucketArn(input),
        input['Prefix'] === undefined ? {} : { 's3:prefix': text(input, 'Prefix') },
      ),
    ],
  },
  sqs: {
    SendMessage: ({ input }, around) => [
      need('sqs:SendMessage', arn('sqs', around, text(input, 'QueueUrl').split('/').at(-1) ?? '')),
    ],
  },
  sns: { Publish: ({ input }) => [need('sns:Publish', text(input, 'TopicArn'))] },
};
