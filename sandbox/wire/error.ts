/** An error that a service answers with: AWS's code, its message and its HTTP status. */
export class ServiceError extends Error {
  /** Further members of the error's shape, such as `clusterName` or `ResourceType`. */
  readonly members: Record<string, unknown>;
  readonly status: number;

  constructor(code: string, message: string, status = 400, members: Record<string, unknown> = {}) {
    super(message);
    this.name = code;
    this.status = status;
    this.members = members;
  }
}

/**
 * The call was carried out and its answer lost on the way: over HTTP the connection is cut; Step Functions sees what the
 * SDK that it uses says then.
 */
export class LostReply extends ServiceError {
  constructor() {
    super('SdkClientException', 'Unable to execute HTTP request: Connection reset', 500);
  }
}

/** The sandbox itself is wrong: a handler threw, or a reply breaks the service's schema. Never to be caught and hidden. */
export class EmulatorBug extends Error {
  override readonly name = 'EmulatorBug';
  readonly status = 500;
}
