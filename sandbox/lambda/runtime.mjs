// JavaScript, with its types in comments: every environment that starts would load Node's type stripper first, which
// takes as long as the thread itself.
import { enableCompileCache, flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { machineNow, standStill } from './standing-time.mjs';

/**
 * One function's execution environment: imports the bundle once, as Lambda does at a cold start, and answers one
 * message for each invocation.
 *
 * @typedef {import('aws-lambda').Context} Context
 * @typedef {import('./host.ts').Invocation} Invocation
 * @typedef {import('./host.ts').Reply} Reply
 */

/** @type {import('./host.ts').RuntimeData} */
const { bundle, functionName, functionVersion, memory } = workerData;
// Most of a cold start is parsing megabytes of JavaScript: the parsed code is kept in the machine's temporary folder.
enableCompileCache();
/** @type {{ handler: (event: unknown, context: Context) => Promise<unknown> }} */
const { handler } = await import(bundle);
const port = parentPort;
if (!port) throw new Error('runtime.mjs runs as a worker thread of the sandbox');
// A worker that is terminated would not write it.
flushCompileCache();

port.on('message', async (/** @type {Invocation} */ { id, event, deadline, now, functionArn }) => {
  // Many invocations at once have one time: it stands still while functions run.
  if (now !== undefined) standStill(Date.parse(now));
  /** @type {Context} */
  const context = {
    callbackWaitsForEmptyEventLoop: false,
    functionName,
    functionVersion,
    invokedFunctionArn: functionArn,
    memoryLimitInMB: String(memory),
    awsRequestId: id,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'sandbox',
    getRemainingTimeInMillis: () => Math.max(0, deadline - machineNow()),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
  port.postMessage(await answer(id, event, context));
});

/**
 * @param {string} id
 * @param {unknown} event
 * @param {Context} context
 * @returns {Promise<Reply>}
 */
async function answer(id, event, context) {
  try {
    const result = await handler(event, context);
    // Lambda answers JSON: what JSON cannot carry must not pass here either.
    return { id, result: result === undefined ? 'null' : JSON.stringify(result) };
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { id, error: { errorType: name, errorMessage: message, trace: (stack ?? '').split('\n') } };
  }
}
