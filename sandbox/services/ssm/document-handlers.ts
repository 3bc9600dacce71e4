import { createHash } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-ssm';
import type { Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import type { Handlers } from '../../wire/operations.ts';
import { page } from '../paging.ts';
import type { DocumentParameter, Documents, SsmDocument } from './documents.ts';

/** The operations on documents. A created document's name loses `prefix` on its way to the nodes. */
export function documentHandlers(region: Region, documents: Documents, prefix: string): Handlers<typeof Sdk> {
  return {
    CreateDocument: ({ Name, Content, DocumentType = 'Command', DocumentFormat = 'JSON' }) => {
      if (DocumentType !== 'Command' || DocumentFormat !== 'JSON')
        throw new ServiceError('InvalidDocumentContent', 'the sandbox keeps Command documents in JSON, nothing else');
      if (!/^[a-zA-Z0-9_\-.]{3,128}$/.test(Name))
        throw new ServiceError(
          'ValidationException',
          `Value '${Name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9_\\-.]{3,128}$`,
        );
      const machineName = Name.startsWith(prefix) ? Name.slice(prefix.length) : Name;
      return {
        DocumentDescription: describe(
          documents.create({ name: Name, machineName, text: Content, createdAt: region.clock.now() }),
        ),
      };
    },
    DescribeDocument: ({ Name }) => ({ Document: describe(documents.find(Name)) }),
    GetDocument: ({ Name }) => {
      const { name, text, createdAt } = documents.find(Name);
      return {
        Name: name,
        CreatedDate: createdAt,
        DocumentVersion: '1',
        Status: 'Active',
        Content: text,
        DocumentType: 'Command',
        DocumentFormat: 'JSON',
      };
    },
    ListDocuments: ({ Filters = [], MaxResults = 50, NextToken }) => {
      const chosen = documents.list().filter((document) => Filters.every((filter) => passes(document, filter)));
      const { items, nextToken } = page(chosen, { token: NextToken, size: MaxResults });
      return {
        DocumentIdentifiers: items.map((document) => {
          const {
            Name,
            Owner,
            CreatedDate,
            PlatformTypes,
            DocumentVersion,
            DocumentType,
            SchemaVersion,
            DocumentFormat,
          } = describe(document);
          return {
            Name,
            Owner,
            CreatedDate,
            PlatformTypes,
            DocumentVersion,
            DocumentType,
            SchemaVersion,
            DocumentFormat,
          };
        }),
        NextToken: nextToken,
      };
    },
  };
}

function passes({ name, owner }: SsmDocument, { Key, Values = [] }: Sdk.DocumentKeyValuesFilter): boolean {
  if (Key === 'Name') return Values.some((value) => name.startsWith(value));
  if (Key === 'Owner')
    return Values.some((value) => value === 'All' || (value === 'Amazon' ? owner === 'Amazon' : owner !== 'Amazon'));
  throw new ServiceError('InvalidFilterKey', `the sandbox filters documents by Name and Owner, not by ${Key}`);
}

function describe({ name, owner, createdAt, text, content }: SsmDocument): Sdk.DocumentDescription {
  return {
    Name: name,
    Owner: owner,
    CreatedDate: createdAt,
    Status: 'Active',
    DocumentVersion: '1',
    LatestVersion: '1',
    DefaultVersion: '1',
    Description: content.description,
    Parameters: Object.entries(content.parameters).map(([Name, parameter]) => describeParameter(Name, parameter)),
    PlatformTypes: ['Linux'],
    DocumentType: 'Command',
    SchemaVersion: content.schemaVersion,
    DocumentFormat: 'JSON',
    Hash: createHash('sha256').update(text).digest('hex'),
    HashType: 'Sha256',
    Tags: [],
  };
}

function describeParameter(Name: string, parameter: DocumentParameter): Sdk.DocumentParameter {
  return {
    Name,
    Type: parameter.type === 'StringList' ? 'StringList' : 'String',
    Description: parameter.description,
    DefaultValue: parameter.default === undefined ? undefined : [parameter.default].flat().map(String).join(','),
  };
}
