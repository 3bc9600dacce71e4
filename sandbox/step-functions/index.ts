/** What Step Functions makes of a state machine's expressions and integrations. */
export { evaluateTemplate } from './template.ts';
