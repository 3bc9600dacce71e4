const PREFIX = { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/' };

/** A role with these statements. */
const role = (name: string, ...Statement: object[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: { 'Fn::Join': ['-', [name, { Ref: 'AWS::Region' }]] },
    Policies: [{ PolicyName: 'nightshift', PolicyDocument: { Version: '2012-10-17', Statement } }],
  },
});

const allow = (Action: string | string[], Resource: unknown, Condition?: object) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition && { Condition }),
});

const BUCKET_ARN = { 'Fn::GetAtt': ['Bucket', 'Arn'] };

/** A small stack in the forms that CDK writes: one function that hears of executions, one state machine, one sweep. */
export const TEMPLATE = {
  Parameters: { BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk/version' } },
  Conditions: { Never: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'nowhere'] } },
  Resources: {
    Key: { Type: 'AWS::KMS::Key', Properties: {} },
    Bucket: {
      Type: 'AWS::S3::Bucket',
      Properties: {
        BucketName: {
          'Fn::Join': ['', ['nightshift-evidence-', { Ref: 'AWS::AccountId' }, '-', { Ref: 'AWS::Region' }]],
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            {
              ServerSideEncryptionByDefault: {
                SSEAlgorithm: 'aws:kms',
                KMSMasterKeyID: { 'Fn::GetAtt': ['Key', 'Arn'] },
              },
            },
          ],
        },
      },
    },
    Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'nightshift-dead-events' } },
    DeadPolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [{ Ref: 'Dead' }],
        PolicyDocument: {
          Statement: [
            {
              ...allow(
                'sqs:SendMessage',
                { 'Fn::GetAtt': ['Dead', 'Arn'] },
                {
                  ArnLike: { 'aws:SourceArn': 'arn:aws:events:us-east-1:111122223333:rule/nightshift-*' },
                },
              ),
              Principal: { Service: 'events.amazonaws.com' },
            },
          ],
        },
      },
    },
    DeadAlarm: {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        AlarmName: 'nightshift-dead-events',
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateNumberOfMessagesVisible',
        Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['Dead', 'QueueName'] } }],
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        Threshold: 1,
      },
    },
    Closed: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'closed' } },
    ClosedRule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: 'nightshift-closed',
        EventPattern: { source: ['closed'] },
        Targets: [
          { Id: 'topic', Arn: { Ref: 'Closed' }, DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['Dead', 'Arn'] } } },
        ],
      },
    },
    StrangeRule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: 'strange',
        EventPattern: { source: ['closed'] },
        Targets: [
          { Id: 'topic', Arn: { Ref: 'Closed' }, DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['Dead', 'Arn'] } } },
        ],
      },
    },
    Document: {
      Type: 'AWS::SSM::Document',
      Properties: {
        Name: 'nightshift-clean-node',
        Content: {
          schemaVersion: '2.2',
          mainSteps: [{ action: 'aws:runShellScript', name: 'clean', inputs: { runCommand: ['true'] } }],
        },
      },
    },
    EndedRole: role(
      'nightshift-on-execution-ended',
      allow(['s3:GetObject', 's3:PutObject'], { 'Fn::Join': ['', [BUCKET_ARN, '/executions/*']] }),
      allow('s3:ListBucket', BUCKET_ARN),
      allow(
        ['kms:Decrypt', 'kms:GenerateDataKey'],
        { 'Fn::GetAtt': ['Key', 'Arn'] },
        { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } },
      ),
      allow('states:StartExecution', { Ref: 'Passing' }),
      allow('states:GetExecutionHistory', '*'),
      allow('logs:PutLogEvents', '*'),
    ),
    Ended: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        FunctionName: 'nightshift-on-execution-ended',
        Role: { 'Fn::GetAtt': ['EndedRole', 'Arn'] },
        MemorySize: 512,
        Timeout: 30,
        Environment: {
          Variables: {
            NIGHTSHIFT_EVIDENCE_BUCKET: { Ref: 'Bucket' },
            NIGHTSHIFT_EVENT_BUS: 'default',
            NIGHTSHIFT_MIGRATE_STATE_MACHINE_ARN: {
              'Fn::Sub': ['arn:aws:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${Name}', { Name: 'migrate' }],
            },
            NIGHTSHIFT_ROLLBACK_STATE_MACHINE_ARN: { Ref: 'Passing' },
            NIGHTSHIFT_ROLLBACK_ALIAS_ARN: { 'Fn::Sub': '${Passing}:live' },
          },
        },
      },
    },
    EndedVersion: {
      Type: 'AWS::Lambda::Version',
      Properties: { FunctionName: { Ref: 'Ended' } },
    },
    EndedAsynchronous: {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: { Ref: 'Ended' },
        MaximumRetryAttempts: 0,
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Dead', 'Arn'] } } },
      },
    },
    EndedRule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: 'nightshift-execution-ended',
        EventPattern: {
          source: ['aws.states'],
          detail: { stateMachineArn: [{ Ref: 'Passing' }], status: ['ABORTED'] },
        },
        Targets: [
          {
            Id: 'function',
            Arn: { 'Fn::GetAtt': ['Ended', 'Arn'] },
            DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['Dead', 'Arn'] } },
          },
        ],
      },
    },
    EndedPermission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        FunctionName: { 'Fn::GetAtt': ['Ended', 'Arn'] },
        SourceArn: { 'Fn::GetAtt': ['EndedRule', 'Arn'] },
      },
    },
    UnpermittedRule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: 'nightshift-unpermitted',
        EventPattern: { source: ['tester'] },
        Targets: [
          {
            Id: 'function',
            Arn: { 'Fn::GetAtt': ['Ended', 'Arn'] },
            DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['Dead', 'Arn'] } },
          },
        ],
      },
    },
    AbsentRule: { Type: 'AWS::Events::Rule', Condition: 'Never', Properties: { EventPattern: { source: ['x'] } } },
    PassingRole: role('nightshift-passing'),
    Passing: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: 'nightshift-passing',
        RoleArn: { 'Fn::GetAtt': ['PassingRole', 'Arn'] },
        DefinitionString:
          '{"QueryLanguage":"JSONata","StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":60,"Next":"Tell"},"Tell":{"Type":"Pass","Output":"${Word}","End":true}}}',
        DefinitionSubstitutions: { Word: { 'Fn::Select': [1, { 'Fn::Split': ['-', 'a-"b"-c'] }] } },
      },
    },
    PassingVersion: {
      Type: 'AWS::StepFunctions::StateMachineVersion',
      Properties: {
        StateMachineArn: { Ref: 'Passing' },
        StateMachineRevisionId: { 'Fn::GetAtt': ['Passing', 'StateMachineRevisionId'] },
      },
    },
    PassingAlias: {
      Type: 'AWS::StepFunctions::StateMachineAlias',
      Properties: {
        Name: 'live',
        DeploymentPreference: { StateMachineVersionArn: { Ref: 'PassingVersion' }, Type: 'ALL_AT_ONCE' },
      },
    },
    AskingRole: role('nightshift-asking'),
    Asking: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: 'nightshift-asking',
        RoleArn: { 'Fn::GetAtt': ['AskingRole', 'Arn'] },
        DefinitionString:
          '{"QueryLanguage":"JSONata","StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"${Function}","Payload":{}},"End":true}}}',
        DefinitionSubstitutions: { Function: { Ref: 'EndedVersion' } },
      },
    },
    AskingWrongly: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: 'nightshift-asking-wrongly',
        RoleArn: { 'Fn::GetAtt': ['AskingRole', 'Arn'] },
        DefinitionString:
          '{"QueryLanguage":"JSONata","StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"${Function}:2"},"End":true}}}',
        DefinitionSubstitutions: { Function: { 'Fn::GetAtt': ['Ended', 'Arn'] } },
      },
    },
    Sweeps: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: 'nightshift-sweeps' } },
    SweeperRole: role('nightshift-sweeper', allow('states:StartExecution', { Ref: 'Passing' })),
    Sweep: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        Name: 'nightshift-sweep',
        GroupName: { Ref: 'Sweeps' },
        ScheduleExpression: 'rate(1 day)',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: { Ref: 'PassingAlias' },
          RoleArn: { 'Fn::Join': ['', [PREFIX, 'nightshift-sweeper-', { Ref: 'AWS::Region' }]] },
          Input: '{"kind":"sweep"}',
        },
      },
    },
    Dashboard: { Type: 'AWS::CloudWatch::Dashboard', Properties: { DashboardBody: { 'Fn::GetAZs': '' } } },
  },
};
