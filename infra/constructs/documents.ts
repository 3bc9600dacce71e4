import { CfnAssociation, CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { choiceOf } from '../../functions/core/modes/index.ts';
import { ssmDocuments } from '../../ssm-documents/documents.ts';
import type { Config } from '../config.ts';
import { names } from '../names.ts';

/** The tag of a node that should be prepared as soon as it joins. */
export const PREPARE_TAG = 'nightshift:prepare';

/** The documents that run on nodes, and the association that prepares marked nodes as soon as SSM knows them. */
export class Documents extends Construct {
  constructor(scope: Construct, id: string, { settings }: Pick<Config, 'settings'>) {
    super(scope, id);
    const documents = new Map(
      ssmDocuments().map(({ name, content }) => [
        name,
        new CfnDocument(this, name, {
          name: names.document(name),
          documentType: 'Command',
          documentFormat: 'JSON',
          content,
          // A changed script becomes the document's new default version, under the same name.
          updateMethod: 'NewVersion',
        }),
      ]),
    );
    const { preparation } = choiceOf(settings.target);
    const prepare = documents.get('prepare-node');
    if (!preparation || !prepare) return;
    const association = new CfnAssociation(this, 'PrepareNewNodes', {
      associationName: 'nightshift-prepare-new-nodes',
      name: names.document('prepare-node'),
      targets: [{ key: `tag:${PREPARE_TAG}`, values: ['true'] }],
      parameters: Object.fromEntries(Object.entries(preparation.parameters).map(([key, value]) => [key, [value]])),
      maxConcurrency: '10%',
      maxErrors: '100%',
    });
    association.addResourceDependency(prepare);
  }
}
