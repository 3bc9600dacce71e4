import { z } from 'zod';
import { ServiceError } from '../../wire/error.ts';

const Parameter = z.strictObject({
  type: z.enum(['String', 'StringList', 'Integer', 'Boolean']),
  description: z.string().optional(),
  default: z.union([z.string(), z.array(z.string()), z.number(), z.boolean()]).optional(),
  allowedValues: z.array(z.string()).optional(),
  allowedPattern: z.string().optional(),
  displayType: z.string().optional(),
  interpolationType: z.enum(['RAW', 'ENV_VAR']).optional(),
  minChars: z.int().optional(),
  maxChars: z.int().optional(),
  minItems: z.int().optional(),
  maxItems: z.int().optional(),
});

const Step = z.strictObject({
  action: z.literal('aws:runShellScript'),
  name: z.string(),
  description: z.string().optional(),
  precondition: z.strictObject({ StringEquals: z.tuple([z.literal('platformType'), z.string()]) }).optional(),
  onFailure: z.enum(['exit', 'successAndExit']).optional(),
  isEnd: z.boolean().optional(),
  inputs: z.strictObject({
    runCommand: z.union([z.string(), z.array(z.string())]),
    timeoutSeconds: z.union([z.string(), z.number()]).optional(),
    workingDirectory: z.string().optional(),
  }),
});

const Content = z.strictObject({
  schemaVersion: z.literal('2.2'),
  description: z.string().optional(),
  parameters: z.record(z.string(), Parameter).default({}),
  mainSteps: z.array(Step).min(1),
});

export type DocumentContent = z.infer<typeof Content>;
export type DocumentParameter = z.infer<typeof Parameter>;

/** A command document as SSM keeps it. */
export interface SsmDocument {
  /** As SSM knows it: `mystack-install`, `AWS-RunShellScript`. */
  readonly name: string;
  /** As a node's machine knows it, without the stack's prefix: `install`. */
  readonly machineName: string;
  /** Whether it installs packages, which takes longer. */
  readonly installs: boolean;
  readonly owner: string;
  readonly createdAt: Date;
  readonly text: string;
  readonly content: DocumentContent;
}

/** What AWS publishes under this name, cut to what a Linux node uses. */
const RUN_SHELL_SCRIPT = {
  schemaVersion: '2.2',
  description: 'Run a shell script or specify the commands to run.',
  parameters: {
    commands: {
      type: 'StringList',
      description: 'Specify a shell script or a command to run.',
      minItems: 1,
      displayType: 'textarea',
    },
    workingDirectory: {
      type: 'String',
      default: '',
      description: 'The path to the working directory on your instance.',
      maxChars: 4096,
    },
    executionTimeout: {
      type: 'String',
      default: '3600',
      description: 'The time in seconds for a command to complete before it is considered to have failed.',
      allowedPattern: '([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)',
    },
  },
  mainSteps: [
    {
      action: 'aws:runShellScript',
      name: 'runShellScript',
      inputs: {
        runCommand: '{{ commands }}',
        workingDirectory: '{{ workingDirectory }}',
        timeoutSeconds: '{{ executionTimeout }}',
      },
    },
  ],
};

/** The documents of the Region: AWS's one and those of the account. */
export class Documents {
  readonly #account: string;
  readonly #installing: ReadonlySet<string>;
  readonly #documents = new Map<string, SsmDocument>();

  /** `installing`: machine names of the documents that install packages. */
  constructor(account: string, createdAt: Date, installing: ReadonlySet<string> = new Set()) {
    this.#account = account;
    this.#installing = installing;
    this.#add({
      name: 'AWS-RunShellScript',
      machineName: 'AWS-RunShellScript',
      owner: 'Amazon',
      text: JSON.stringify(RUN_SHELL_SCRIPT, null, 2),
      createdAt,
    });
  }

  /**
   * Adds a document of the account. `machineName` is the name without prefix.
   * Throws DocumentAlreadyExists, or InvalidDocumentContent with the path and the rule.
   */
  create(document: { name: string; machineName: string; text: string; createdAt: Date }): SsmDocument {
    if (this.#documents.has(document.name))
      throw new ServiceError('DocumentAlreadyExists', `Document with same name ${document.name} already exists`);
    return this.#add({ ...document, owner: this.#account });
  }

  /** By name or ARN. Throws InvalidDocument. */
  find(nameOrArn: string): SsmDocument {
    const name = nameOrArn.startsWith('arn:') ? (nameOrArn.split('document/')[1] ?? nameOrArn) : nameOrArn;
    const document = this.#documents.get(name);
    if (document) return document;
    throw new ServiceError('InvalidDocument', `Document with name ${nameOrArn} does not exist.`);
  }

  list(): SsmDocument[] {
    return [...this.#documents.values()];
  }

  #add(document: Omit<SsmDocument, 'content' | 'installs'>): SsmDocument {
    const installs = this.#installing.has(document.machineName);
    const made = { ...document, installs, content: parseContent(document.text) };
    this.#documents.set(made.name, made);
    return made;
  }
}

function parseContent(text: string): DocumentContent {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ServiceError('InvalidDocumentContent', 'the sandbox reads documents in JSON only, and this is none');
  }
  const result = Content.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ServiceError(
    'InvalidDocumentContent',
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`,
  );
}
