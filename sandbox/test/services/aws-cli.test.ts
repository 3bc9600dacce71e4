import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ec2Service } from '../../services/ec2.ts';
import { eksService } from '../../services/eks.ts';
import { EventBuses, eventsService } from '../../services/events.ts';
import { type FunctionHost, lambdaService } from '../../services/lambda.ts';
import { Alarms } from '../../services/monitoring/alarms.ts';
import { monitoringService } from '../../services/monitoring.ts';
import { s3Service } from '../../services/s3.ts';
import { Schedules } from '../../services/scheduler/schedules.ts';
import { schedulerService } from '../../services/scheduler.ts';
import { ssmService } from '../../services/ssm.ts';
import { stsService } from '../../services/sts.ts';
import { makeCluster, makeNode, type RecordingKubernetes, TestRegion } from './region.ts';

const run = promisify(execFile);
const hasCli = spawnSync('aws', ['--version']).status === 0;
if (!hasCli) process.stderr.write('SKIPPED: the AWS CLI is not on the PATH; `pip install awscli` brings it\n');

const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:migrate-cluster';
const host: FunctionHost = {
  names: ['nightshift-inspect-cluster'],
  find: () => ({
    arn: 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-inspect-cluster',
    memory: 512,
    timeout: 60,
  }),
  invoke: (_name, payload) => Promise.resolve({ payload: { seen: payload } }),
};
const node = makeNode(0);
let world: TestRegion;
let kubernetes: RecordingKubernetes;
let endpoint: string;
let directory: string;

describe.skipIf(!hasCli)('the stock AWS CLI works against the sandbox', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aws-cli-'));
    const cluster = makeCluster('demo', { nodes: [node] });
    kubernetes = cluster.kubernetes;
    world = new TestRegion([cluster]);
    const { region, dispatcher, credentials } = world;
    dispatcher.register('eks', eksService(region));
    dispatcher.register('ssm', ssmService(region));
    dispatcher.register('ec2', ec2Service(region));
    dispatcher.register('s3', s3Service(region));
    dispatcher.register('sts', stsService({ account: region.account, credentials }));
    dispatcher.register('events', eventsService(new EventBuses(region)));
    dispatcher.register('scheduler', schedulerService(region, new Schedules(region, () => Promise.resolve())));
    dispatcher.register(
      'lambda',
      lambdaService(region, host, { invoke: () => Promise.resolve() }, () => undefined),
    );
    dispatcher.register('monitoring', monitoringService(new Alarms(region)));
    dispatcher.register('states', {
      StartExecution: (input) =>
        Promise.resolve({ executionArn: `${MACHINE}:${String(input['name'])}`, startDate: region.clock.now() }),
    });
    ({ endpoint } = await world.listen());
  });
  afterAll(async () => {
    await world.close();
    await rm(directory, { recursive: true });
  });

  /** Runs `aws` with the words of a text, and the further ones as they are. */
  async function aws(text: string, ...further: string[]): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      HOME: directory,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'y',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_MAX_ATTEMPTS: '1',
    };
    const { stdout } = await run('aws', [...text.split(' '), ...further], { env });
    return stdout.trim();
  }
  const query = (path: string) => ['--output', 'text', '--query', path];

  test('the manual’s own update-addon, describe-addon, describe-update and describe-addon-configuration', async () => {
    const addon = '--cluster-name demo --addon-name kube-proxy';
    const values = '{"ipvs": {"scheduler": "rr"}, "mode": "ipvs"}';
    const update = `eks update-addon ${addon} --resolve-conflicts OVERWRITE --configuration-values`;
    const id = await aws(update, values, ...query('update.id'));
    await world.clock.sleep(30_000);
    const described = `eks describe-update --name demo --addon-name kube-proxy --update-id ${id}`;
    expect(await aws(described, ...query('update.status'))).toBe('Successful');
    expect(await aws(`eks describe-addon ${addon}`, ...query('addon.[status,configurationValues]'))).toBe(
      `ACTIVE\t${values}`,
    );
    expect(kubernetes.config).toEqual({ mode: 'ipvs', scheduler: 'rr' });
    const version = '--addon-name kube-proxy --addon-version v1.34.1-eksbuild.2';
    const schema = await aws(`eks describe-addon-configuration ${version}`, ...query('configurationSchema'));
    expect(JSON.parse(schema)).toMatchObject({ $ref: '#/definitions/KubeProxy' });
    await expect(aws('eks describe-cluster --name other')).rejects.toThrow(
      '(ResourceNotFoundException) when calling the DescribeCluster operation: No cluster found for name: other.',
    );
  });

  test('an access entry, whose ARN travels in the path', async () => {
    const entry = '--cluster-name demo --principal-arn arn:aws:iam::111122223333:role/team/ops';
    await aws(`eks create-access-entry ${entry}`);
    expect(await aws(`eks describe-access-entry ${entry}`, ...query('accessEntry.type'))).toBe('STANDARD');
    await aws(`eks delete-access-entry ${entry}`);
  });

  test('ssm send-command, list-command-invocations and get-command-invocation', async () => {
    const send = 'ssm send-command --document-name AWS-RunShellScript --instance-ids';
    const parameters = ['--parameters', '{"commands":["uname -r"]}'];
    const id = await aws(`${send} ${node.id}`, ...parameters, ...query('Command.CommandId'));
    await world.clock.sleep(30_000);
    const list = `ssm list-command-invocations --command-id ${id} --details`;
    expect(await aws(list, ...query('CommandInvocations[].[InstanceId,Status]'))).toBe(`${node.id}\tSuccess`);
    const get = `ssm get-command-invocation --command-id ${id} --instance-id ${node.id}`;
    expect(await aws(get, ...query('StandardOutputContent'))).toBe('done');
    expect(node.machine?.runs.at(-1)?.script).toBe('uname -r');
    const statuses = query('InstanceInformationList[].PingStatus');
    expect(await aws('ssm describe-instance-information', ...statuses)).toBe('Online');
    const stranger = `${send} i-0123456789abcdef0 --parameters commands=x`;
    await expect(aws(stranger)).rejects.toThrow('(InvalidInstanceId)');
  });

  test('ssm put-parameter, get-parameter, get-parameters-by-path, get-parameter-history and delete-parameter', async () => {
    const value = '{"reason":"release","until":"2026-12-01T00:00:00Z"}';
    const put = 'ssm put-parameter --name /holds/clusters/demo --type String --value';
    expect(await aws(put, value, ...query('Version'))).toBe('1');
    await expect(aws(put, value)).rejects.toThrow('(ParameterAlreadyExists) when calling the PutParameter operation');
    expect(await aws(`${put} changed --overwrite`, ...query('[Version,Tier]'))).toBe('2\tStandard');
    const parameter = query('Parameter.[Value,ARN]');
    expect(await aws('ssm get-parameter --name /holds/clusters/demo', ...parameter)).toBe(
      'changed\tarn:aws:ssm:us-east-1:111122223333:parameter/holds/clusters/demo',
    );
    const below = 'ssm get-parameters-by-path --path /holds';
    expect(await aws(below, ...query('Parameters[].Name'))).toBe('');
    expect(await aws(`${below} --recursive`, ...query('Parameters[].Name'))).toBe('/holds/clusters/demo');
    const history = query('Parameters[].[Version,LastModifiedUser,Value]');
    expect(await aws('ssm get-parameter-history --name /holds/clusters/demo', ...history)).toBe(
      [`1\tarn:aws:iam::111122223333:user/person\t${value}`, '2\tarn:aws:iam::111122223333:user/person\tchanged'].join(
        '\n',
      ),
    );
    await aws('ssm delete-parameter --name /holds/clusters/demo');
    await expect(aws('ssm get-parameter --name /holds/clusters/demo')).rejects.toThrow('(ParameterNotFound)');
  });

  test('cloudwatch put-metric-alarm, set-alarm-state, describe-alarms and delete-alarms', async () => {
    const metric = '--namespace AWS/ApplicationELB --metric-name HTTPCode_Target_5XX_Count --period 60';
    const threshold = '--evaluation-periods 1 --threshold 5 --comparison-operator GreaterThanThreshold';
    await aws(`cloudwatch put-metric-alarm --alarm-name errors --statistic Sum ${metric} ${threshold}`);
    const rule = ['--alarm-rule', 'ALARM("errors")'];
    await aws('cloudwatch put-composite-alarm --alarm-name everything', ...rule);
    const states = query('[MetricAlarms[].[AlarmName,StateValue,Threshold],CompositeAlarms[].AlarmName][]');
    expect(await aws('cloudwatch describe-alarms', ...states)).toBe('errors\tINSUFFICIENT_DATA\t5');
    const both = 'cloudwatch describe-alarms --alarm-types MetricAlarm CompositeAlarm';
    expect(await aws(both, ...query('CompositeAlarms[].[AlarmName,AlarmRule]'))).toBe('everything\tALARM("errors")');
    const set = 'cloudwatch set-alarm-state --state-value ALARM --state-reason tested --alarm-name';
    await aws(`${set} errors`);
    const named = 'cloudwatch describe-alarms --alarm-names errors unknown';
    expect(await aws(named, ...query('MetricAlarms[].[StateValue,StateReason]'))).toBe('ALARM\ttested');
    await expect(aws(`${set} unknown`)).rejects.toThrow('(ResourceNotFound) when calling the SetAlarmState operation');
    await expect(aws(`${set} errors --state-reason-data nonsense`)).rejects.toThrow('(InvalidFormat)');
    await expect(aws('cloudwatch describe-alarms --starting-token bm9uZQ==')).rejects.toThrow();
    await aws('cloudwatch delete-alarms --alarm-names errors everything');
    expect(await aws(both, ...query('length(MetricAlarms)'))).toBe('0');
  });

  test('ec2 describe-instances with filters', async () => {
    const filters = 'Name=tag:aws:eks:cluster-name,Values=demo Name=instance-state-name,Values=running';
    const names = query('Reservations[].Instances[].PrivateDnsName');
    expect(await aws(`ec2 describe-instances --filters ${filters}`, ...names)).toBe('ip-192-168-1-1.ec2.internal');
    const unknown = 'ec2 describe-instances --filters Name=colour,Values=red';
    await expect(aws(unknown)).rejects.toThrow('(InvalidParameterValue)');
  });

  test('s3 mb, cp up and down, ls and rm', async () => {
    await aws('s3 mb s3://evidence');
    const text = 'node,verdict\n'.repeat(50_000);
    const [up, down] = ['up.csv', 'down.csv'].map((name) => join(directory, name));
    await writeFile(join(directory, 'up.csv'), text);
    await aws(`s3 cp ${up} s3://evidence/executions/one/up.csv --quiet`);
    await aws(`s3 cp s3://evidence/executions/one/up.csv ${down} --quiet`);
    expect(await readFile(join(directory, 'down.csv'), 'utf8')).toBe(text);
    expect(await aws('s3 ls s3://evidence/executions/')).toBe('PRE one/');
    await aws('s3 rm s3://evidence/executions/one/up.csv');
    const gone = `s3api get-object --bucket evidence --key executions/one/up.csv ${down}`;
    await expect(aws(gone)).rejects.toThrow('(NoSuchKey)');
  });

  test('sts, scheduler, events, lambda and stepfunctions', async () => {
    expect(await aws('sts get-caller-identity', ...query('Arn'))).toBe('arn:aws:iam::111122223333:user/person');
    const target = `{"Arn":"${MACHINE}","RoleArn":"arn:aws:iam::111122223333:role/scheduler"}`;
    const create = 'scheduler create-schedule --name weekly --flexible-time-window Mode=OFF --schedule-expression';
    const schedule = ['rate(7 days)', '--target', target];
    await aws(create, ...schedule);
    await expect(aws(create, ...schedule)).rejects.toThrow('(ConflictException)');
    expect(await aws('scheduler list-schedules', ...query('Schedules[].Name'))).toBe('weekly');
    const entries = '[{"Source":"test","DetailType":"t","Detail":"{}"}]';
    expect(await aws(`events put-events --entries ${entries}`, ...query('FailedEntryCount'))).toBe('0');
    const out = join(directory, 'out.json');
    await aws(`lambda invoke --function-name nightshift-inspect-cluster --payload {"a":1} ${out}`);
    expect(await readFile(out, 'utf8')).toBe('{"seen":{"a":1}}');
    const start = `stepfunctions start-execution --state-machine-arn ${MACHINE} --name one`;
    expect(await aws(start, ...query('executionArn'))).toBe(`${MACHINE}:one`);
  });
});
