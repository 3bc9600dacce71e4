import { writeFileSync } from 'node:fs';
import { readConfig } from '../infra/config.ts';
import { securityPage } from '../infra/security-page.ts';
import { synthesize } from '../infra/synthesis.ts';

// Writes docs/security.md again, from the template of the configuration in this folder.
const root = new URL('..', import.meta.url);
const config = readConfig(new URL('nightshift.config.json', root));
writeFileSync(new URL('docs/security.md', root), securityPage(synthesize(config)));
