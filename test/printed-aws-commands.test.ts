import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** What the AWS CLI's own pages call required, for each operation that nightshift prints or documents. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  'cloudformation describe-stacks': [],
  'eks describe-addon': ['--cluster-name', '--addon-name'],
  'eks describe-cluster': ['--name'],
  'eks list-access-entries': ['--cluster-name'],
  'eks list-clusters': [],
  'eks update-addon': ['--cluster-name', '--addon-name'],
  'eks tag-resource': ['--resource-arn', '--tags'],
  'iam attach-role-policy': ['--role-name', '--policy-arn'],
  'lambda invoke': ['--function-name'],
  's3 cp': [],
  'scheduler delete-schedule': ['--name'],
  'scheduler list-schedules': [],
  'ssm get-parameter': ['--name'],
  'ssm send-command': ['--document-name'],
  'stepfunctions get-execution-history': ['--execution-arn'],
  'stepfunctions send-task-success': ['--task-token', '--task-output'],
  'stepfunctions start-execution': ['--state-machine-arn'],
  'stepfunctions stop-execution': ['--execution-arn'],
};

interface Call {
  operation: string;
  text: string;
}

/** Commands in code blocks of a page, or in backticks of a source file's messages. */
function callsIn(text: string): Call[] {
  return [...text.matchAll(/\baws ([a-z0-9]+ [a-z0-9-]+)((?: [^\n`]*)?)/g)].map(([, operation = '', rest = '']) => ({
    operation,
    text: `${operation}${rest}`,
  }));
}

const blocks = (page: string) =>
  [...page.matchAll(/^```[a-z]*\n([\s\S]*?)^```/gm)].map(([, block = '']) => block).join('\n');
const messages = (source: string) =>
  source
    .split('\n')
    .filter((line) => !/^\s*(?:\*|\/\/|\/\*\*)/.test(line))
    .join('\n');

const FILES: [string, (text: string) => string][] = [
  ...['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: ROOT })].map(
    (file): [string, typeof blocks] => [file, blocks],
  ),
  ...globSync(['functions/**/*.ts', 'cli/**/*.ts'], { cwd: ROOT }).map((file): [string, typeof blocks] => [
    file,
    (text) => messages(text).replaceAll('\\`', '`'),
  ]),
];

describe('a command of the AWS CLI that nightshift prints or documents', () => {
  test('has every option that its operation requires, so that it can be pasted', () => {
    const found = FILES.flatMap(([file, commandsOf]) =>
      callsIn(commandsOf(readFileSync(`${ROOT}${file}`, 'utf8'))).map((call) => ({ file, ...call })),
    ).filter(({ operation }) => !operation.startsWith('sso ') && !operation.startsWith('configure '));
    expect(found.length).toBeGreaterThan(10);
    const wrong = found.filter(({ operation, text }) => {
      const required = REQUIRED[operation];
      return required === undefined || required.some((option) => !text.includes(option));
    });
    expect(wrong).toEqual([]);
  });

  test('works with versions 1 and 2: no option that one of them alone has', () => {
    const only2 = FILES.filter(([file]) =>
      /--cli-binary-format|--no-cli-pager/.test(readFileSync(`${ROOT}${file}`, 'utf8')),
    );
    expect(only2.map(([file]) => file)).toEqual([]);
  });
});
