const HERE = 'us-east-1:111122223333';
const MACHINE = `arn:aws:states:${HERE}:stateMachine`;

const role = (RoleName: string, Statement: object[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: { RoleName, Policies: [{ PolicyName: 'own', PolicyDocument: { Version: '2012-10-17', Statement } }] },
});
const allow = (Action: string | string[], Resource: string) => ({ Effect: 'Allow', Action, Resource });

/** Sid-less statements of the role of `toy-fleet`, by what they are for. */
export const RIGHTS = {
  function: allow('lambda:InvokeFunction', `arn:aws:lambda:${HERE}:function:toy-look`),
  list: allow('s3:GetObject', 'arn:aws:s3:::toy-lists/*'),
  migrate: allow('states:StartExecution', `${MACHINE}:toy-migrate`),
  children: allow('states:StartExecution', `${MACHINE}:toy-fleet`),
  watchChildren: allow(
    ['states:DescribeExecution', 'states:StopExecution'],
    `arn:aws:states:${HERE}:execution:toy-fleet/*`,
  ),
  watchMigrations: allow(
    ['states:DescribeExecution', 'states:StopExecution'],
    `arn:aws:states:${HERE}:execution:toy-migrate:*`,
  ),
  managedRule: allow(
    ['events:PutRule', 'events:PutTargets', 'events:DescribeRule'],
    `arn:aws:events:${HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule`,
  ),
};

/** One cluster of a stage: it is looked at, and migrated by an execution of its own unless it complies. */
const CHILD = {
  Look: {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: 'toy-look', Payload: { cluster: '{% $states.input.cluster %}' } },
    Assign: { complies: '{% $states.result.Payload.complies %}' },
    Output: '{% $states.input %}',
    TimeoutSeconds: 60,
    Next: 'ChooseMigration',
  },
  ChooseMigration: {
    Type: 'Choice',
    Choices: [{ Condition: '{% $complies %}', Next: 'Skip' }],
    Default: 'Migrate',
  },
  Skip: { Type: 'Pass', Output: { cluster: '{% $states.input.cluster %}', outcome: 'complies' }, End: true },
  Migrate: {
    Type: 'Task',
    Resource: 'arn:aws:states:::states:startExecution.sync:2',
    Arguments: {
      StateMachineArn: `${MACHINE}:toy-migrate`,
      Name: "{% $states.input.fleet & '-' & $states.input.cluster %}",
      Input: { cluster: '{% $states.input.cluster %}', target: '{% $states.input.target %}' },
    },
    TimeoutSeconds: 86_400,
    Output: { cluster: '{% $states.input.cluster %}', outcome: '{% $states.result.Output.mode %}' },
    Catch: [
      {
        ErrorEquals: ['States.TaskFailed'],
        Output: {
          cluster: '{% $states.input.cluster %}',
          outcome:
            "{% $states.errorOutput.Error = 'States.TaskFailed' ? $parse($states.errorOutput.Cause).Error : $states.errorOutput.Error %}",
        },
        Next: 'Failed',
      },
    ],
    End: true,
  },
  Failed: { Type: 'Pass', End: true },
};

/** A fleet's migration: the clusters of a list, some at once; then a person approves, and the fleet soaks. */
export const FLEET = {
  QueryLanguage: 'JSONata',
  StartAt: 'Begin',
  States: {
    Begin: {
      Type: 'Pass',
      Assign: { atOnce: '{% $states.input.atOnce %}', target: '{% $states.input.target %}' },
      Next: 'MigrateStage',
    },
    MigrateStage: {
      Type: 'Map',
      Label: 'Stage',
      MaxConcurrency: '{% $atOnce %}',
      ToleratedFailurePercentage: 100,
      ItemReader: {
        Resource: 'arn:aws:states:::s3:getObject',
        ReaderConfig: { InputType: 'JSON' },
        Arguments: { Bucket: 'toy-lists', Key: '{% $states.input.key %}' },
      },
      ItemSelector: {
        cluster: '{% $states.context.Map.Item.Value.name %}',
        fleet: '{% $states.context.Execution.Name %}',
        target: '{% $target %}',
      },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Look',
        States: CHILD,
      },
      Assign: { results: '{% $states.result %}' },
      Next: 'AwaitApproval',
    },
    AwaitApproval: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: { FunctionName: 'toy-look', Payload: { token: '{% $states.context.Task.Token %}' } },
      TimeoutSeconds: 604_800,
      Assign: { approvedBy: '{% $states.result.by %}' },
      Next: 'Soak',
    },
    Soak: { Type: 'Wait', Seconds: 3600, Next: 'Done' },
    Done: { Type: 'Pass', Output: { results: '{% $results %}', approvedBy: '{% $approvedBy %}' }, End: true },
  },
};

const MIGRATE = {
  QueryLanguage: 'JSONata',
  StartAt: 'Choose',
  States: {
    Choose: {
      Type: 'Choice',
      Choices: [{ Condition: "{% $states.input.cluster = 'broken' %}", Next: 'RolledBack' }],
      Default: 'Change',
    },
    RolledBack: { Type: 'Fail', Error: 'RolledBack', Cause: 'the proof failed' },
    Change: { Type: 'Wait', Seconds: 600, Output: { mode: '{% $states.input.target.mode %}' }, End: true },
  },
};

const stateMachine = (name: string, definition: object) => ({
  Type: 'AWS::StepFunctions::StateMachine',
  Properties: {
    StateMachineName: name,
    RoleArn: { 'Fn::GetAtt': [name === 'toy-fleet' ? 'FleetRole' : 'MigrateRole', 'Arn'] },
    DefinitionString: { 'Fn::ToJsonString': definition },
  },
});

/** A stack with both state machines, whose fleet has these rights. */
export const fleetTemplate = (rights: Partial<typeof RIGHTS>) => ({
  Resources: {
    Lists: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'toy-lists' } },
    Look: {
      Type: 'AWS::Lambda::Function',
      Properties: { FunctionName: 'toy-look', Role: { 'Fn::GetAtt': ['MigrateRole', 'Arn'] } },
    },
    MigrateRole: role('toy-migrate', []),
    FleetRole: role('toy-fleet', Object.values(rights)),
    Migrate: stateMachine('toy-migrate', MIGRATE),
    Fleet: stateMachine('toy-fleet', FLEET),
  },
});
