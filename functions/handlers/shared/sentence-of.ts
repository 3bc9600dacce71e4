import * as z from 'zod/mini';

/** What Lambda's error output holds as the cause of a failed function. */
const LambdaCause = z.object({ errorMessage: z.string() });

/** The sentence of the function that failed, from the cause of Step Functions' error output; any other cause as it is. */
export function sentenceOf(cause: string): string {
  try {
    const parsed = LambdaCause.safeParse(JSON.parse(cause));
    return parsed.success ? parsed.data.errorMessage : cause;
  } catch {
    return cause;
  }
}
