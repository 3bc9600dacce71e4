/** What Step Functions makes of a state machine's expressions and integrations. */
export * from './expressions.ts';
export * from './sdk-services.ts';
export { evaluateTemplate } from './template.ts';
