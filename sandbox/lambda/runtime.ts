import { enableCompileCache, flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { Context } from 'aws-lambda';
import type { Invocation, Reply, RuntimeData } from './host.ts';

/**
 * One function's execution environment: imports the bundle once, as Lambda does at a cold start, and answers one
 * message for each invocation.
 */
const { bundle, functionName, memory } = workerData as RuntimeData;
// Most of a cold start is parsing megabytes of JavaScript: the parsed code is kept in the machine's temporary folder.
enableCompileCache();
const { handler } = (await import(bundle)) as { handler: (event: unknown, context: Context) => Promise<unknown> };
const port = parentPort;
if (!port) throw new Error('runtime.ts runs as a worker thread of the sandbox');
// A worker that is terminated would not write it.
flushCompileCache();

port.on('message', async ({ id, event, deadline, now, functionArn }: Invocation) => {
  // Many invocations at once have one time: it stands still while functions run.
  if (now !== undefined) process.env['NIGHTSHIFT_NOW'] = now;
  const context: Context = {
    callbackWaitsForEmptyEventLoop: false,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    memoryLimitInMB: String(memory),
    awsRequestId: id,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'sandbox',
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
  port.postMessage(await answer(id, event, context));
});

async function answer(id: string, event: unknown, context: Context): Promise<Reply> {
  try {
    const result = await handler(event, context);
    // Lambda answers JSON: what JSON cannot carry must not pass here either.
    return { id, result: result === undefined ? 'null' : JSON.stringify(result) };
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { id, error: { errorType: name, errorMessage: message, trace: (stack ?? '').split('\n') } };
  }
}
