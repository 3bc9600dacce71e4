import type { Connection } from './aws.ts';
import { EXIT } from './exit.ts';

/** Runs a command's work with a connection to AWS, which is closed afterwards. The exit code is that of success. */
export async function connected(run: (connection: Connection) => Promise<void>): Promise<void> {
  // The SDK's clients take time to load, and most calls of the program need none.
  const { connect } = await import('./aws.ts');
  const connection = await connect();
  try {
    await run(connection);
    process.exitCode = EXIT.ok;
  } finally {
    connection.close();
  }
}
