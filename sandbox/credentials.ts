export interface Identity {
  /** As the call log names it: `nightshift-inspect-cluster`, `my-role/my-session`, `person`. */
  principal: string;
  arn: string;
}

export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

const SANDBOX_KEY = /^ASIA\d{16}$/;

/** Whether an access key has the form of those that the sandbox issues, in this world or in an earlier one. */
export function isSandboxKey(accessKeyId: string): boolean {
  return SANDBOX_KEY.test(accessKeyId);
}

/**
 * Who is who in the sandbox. Signatures are not verified: the access key id alone names the principal, and a key that
 * was never issued belongs to the person at the keyboard.
 */
export class Credentials {
  readonly #person: Identity;
  readonly #issued = new Map<string, Identity & { secretAccessKey: string }>();

  constructor(account: string) {
    this.#person = { principal: 'person', arn: `arn:aws:iam::${account}:user/person` };
  }

  /** Makes a new key for a principal. Keys are numbered, so a run in virtual time repeats exactly. */
  issue(principal: string, arn: string): AccessKey {
    const number = String(this.#issued.size + 1).padStart(16, '0');
    const accessKeyId = `ASIA${number}`;
    const secretAccessKey = `sandbox-secret-${number}`;
    this.#issued.set(accessKeyId, { principal, arn, secretAccessKey });
    return { accessKeyId, secretAccessKey, sessionToken: `sandbox-session-${number}` };
  }

  find(accessKeyId: string): (Identity & { secretAccessKey: string }) | undefined {
    return this.#issued.get(accessKeyId);
  }

  /** The one at the keyboard, who made every cluster. */
  get person(): Identity {
    return this.#person;
  }

  /** The principal of a request with this key; without one, or with a stranger's, the person. */
  identify(accessKeyId: string | undefined): Identity {
    return (accessKeyId === undefined ? undefined : this.#issued.get(accessKeyId)) ?? this.#person;
  }
}
