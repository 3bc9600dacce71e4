import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { isNamed, memoised } from './clients.ts';

/** The Step Functions calls that nightshift's functions make. */
export interface StepFunctions {
  /** False when an execution of this name is there already, running or ended: a name is used once in 90 days. */
  start(execution: { stateMachineArn: string; name: string; input: unknown }): Promise<{ started: boolean }>;
  /** The text of the input that an execution was started with. */
  input(executionArn: string): Promise<string>;
}

const client = memoised((options) => new SFNClient(options));

export const stepFunctions: StepFunctions = {
  async start({ stateMachineArn, name, input }) {
    try {
      await client().send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
      return { started: true };
    } catch (error) {
      if (isNamed(error, 'ExecutionAlreadyExists')) return { started: false };
      throw error;
    }
  },

  async input(executionArn) {
    const { input } = await client().send(new DescribeExecutionCommand({ executionArn }));
    if (input === undefined) throw new Error(`Step Functions described ${executionArn} without its input`);
    return input;
  },
};
