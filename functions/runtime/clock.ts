export const clock = (): Date => new Date();

/**
 * The time at which an event is read. An event can arrive days late; planning from its own time would plan the past.
 */
export const readAt = (time: Date, now: Date): Date => (now > time ? now : time);
