/** AWS's protocols alone: operations of one's own, served over HTTP. */
export { VirtualClock } from '../clock.ts';
export { Credentials } from '../credentials.ts';
export { Faults } from '../faults.ts';
export { type Certificates, createCertificates } from '../kubernetes/certificates.ts';
export type { ServiceId } from './catalog.ts';
export { Dispatcher } from './dispatcher.ts';
export { type EmulatorBug, ServiceError } from './error.ts';
export { type Operations, operations } from './operations.ts';
export { wireServer } from './server.ts';
