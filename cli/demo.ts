import { fileURLToPath } from 'node:url';
import { connect } from './aws.ts';
import { audit } from './execution/gather-audit.ts';
import { failureOf, migrate } from './execution/migration.ts';
import { EXIT, Failure } from './exit.ts';
import { openSandbox } from './open-sandbox.ts';
import { renderShortStory } from './story/render-story.ts';
import { nightshiftCommand, sandboxCommand } from './terminal/paste.ts';
import { noProgress, progressFor } from './terminal/progress.ts';
import { styleFor } from './terminal/style.ts';
import type { Terminal } from './terminal/terminal.ts';
import type { Leaving } from './terminal/until-signal.ts';

/** The worlds of the demo have one cluster and one window. */
const REQUEST = {
  cluster: 'demo',
  target: { mode: 'ipvs', scheduler: 'rr' },
  window: 'weekend',
  requestedBy: 'nightshift demo',
};
const WORLDS = { model: 'demo.json', kernel: 'demo-kernel.json' } as const;

/** A whole migration in a sandbox of its own, by the code of `migrate` and `audit`. */
export async function runDemo(options: {
  nodeKind: 'model' | 'kernel';
  json: boolean;
  terminal: Terminal;
  leaving: Leaving;
}): Promise<void> {
  const { nodeKind, json, terminal, leaving } = options;
  const style = styleFor(terminal);
  const world = fileURLToPath(new URL(`../sandbox/worlds/${WORLDS[nodeKind]}`, import.meta.url));
  const sandbox = await openSandbox({ world, port: 0, clock: 'virtual', nodeKind });
  try {
    const connection = await connect({
      endpoint: sandbox.endpoint,
      region: regionOf(sandbox.stateMachines),
      credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
    });
    if (!json)
      terminal.out(`${style.bold('A sandbox with one EKS cluster, in virtual time')} at ${sandbox.endpoint}\n`);
    const { result, execution } = await migrate(connection, {
      request: REQUEST,
      stateMachine: undefined,
      now: new Date(),
      terminal,
      progress: () => (json ? noProgress : progressFor(terminal)),
      announce: !json,
      parting: () => ['The demo was stopped, and its sandbox with it.'],
      ...leaving,
    });
    const story = await audit(connection, execution);
    connection.close();
    if (json) terminal.out(JSON.stringify({ result, story }));
    else terminal.out(`\n${renderShortStory(story, style)}`);
    process.exitCode = EXIT.ok;
    const failure = failureOf(result);
    if (failure) throw new Failure(failure.name, failure.message);
    if (!json) for (const line of ['', ...WHERE_NEXT]) terminal.out(line);
  } finally {
    await sandbox.stop();
  }
}

const WHERE_NEXT = [
  'Where next',
  '  keep the sandbox:',
  `    ${sandboxCommand()}`,
  '  in another terminal, migrate in it (it prints the command for the audit), and ask it as you ask AWS:',
  '    export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1',
  '    export AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=me',
  `    ${nightshiftCommand('migrate demo --window weekend')}`,
  '    aws eks describe-addon --cluster-name demo --addon-name kube-proxy',
  '  judge a node by its own tables:',
  `    sudo ipvsadm -Ln | ${nightshiftCommand('verify --service-cidr 10.100.0.0/16 --scheduler rr')}`,
  '  the pages: README.md, docs/cli.md, docs/audit.md, state-machines/README.md',
];

/** The Region is in the state machine's ARN. */
function regionOf(stateMachines: Readonly<Record<string, string>>): string {
  const region = Object.values(stateMachines)[0]?.split(':')[3];
  if (!region) throw new Failure('SandboxIncomplete', 'the sandbox has no state machine: run npm run build first');
  return region;
}
