// Everything about what a node prints, under one name: the parser, the judge of the validate document, and verify.

export {
  type Expectation,
  judgeValidateOutput,
  parseValidateOutput,
  type ValidateOutput,
} from '../evidence/validate-output.ts';
export type { Verdict } from '../evidence/verdict.ts';
export { type Verification, verifyTables } from '../evidence/verify.ts';
export { type ExpectedServers, findExpected } from './expected-servers.ts';
export { type Dialect, parseTables, type RealServer, UnparseableOutput, type VirtualServer } from './ipvs-tables.ts';
