export const clock = (): Date => new Date();

/** When an event is read: it may come days after its own time, and whoever plans from then plans what is over. */
export const readAt = (time: Date, now: Date): Date => (now > time ? now : time);
