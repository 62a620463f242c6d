/** A YAML language server (the one of VS Code's YAML extension), for asking it what an editor would show. */
import { TextDocument } from 'vscode-languageserver-textdocument';
import { getLanguageService, type LanguageService, type SchemaRequestService } from 'yaml-language-server';

/** What an editor shows at a place that `|` marks in a text. */
export interface Editor {
  /** Labels of what it proposes, with their documentation. */
  proposals(text: string): Promise<Record<string, string>>;
  /** The hover text. */
  hover(text: string): Promise<string>;
  /** Problems as `line: message`. */
  problems(text: string): Promise<string[]>;
}

/** An editor that reads all its files by one schema. */
export function openEditor(schema: unknown): Editor {
  const text = JSON.stringify(schema);
  const service = languageService(async () => text);
  service.configure({
    validate: true,
    hover: true,
    hoverSchemaSource: false,
    completion: true,
    yamlVersion: '1.2',
    schemas: [{ uri: 'file:///manifest.schema.json', fileMatch: ['*.yaml'] }],
  });
  let files = 0;
  const open = (marked: string) => {
    const offset = Math.max(0, marked.indexOf('|'));
    const plain = marked.replace('|', '');
    // Each under a name of its own: the server remembers files by name and version.
    const document = TextDocument.create(`file:///${++files}.yaml`, 'yaml', 1, plain);
    return { document, position: document.positionAt(offset) };
  };
  return {
    async proposals(marked) {
      const { document, position } = open(marked);
      const { items } = await service.doComplete(document, position, false);
      return Object.fromEntries(items.map(({ label, documentation }) => [label, plainText(documentation)]));
    },
    async hover(marked) {
      const { document, position } = open(marked);
      const hover = await service.doHover(document, position);
      return plainText(hover?.contents as { value: string } | undefined);
    },
    async problems(text) {
      const { document } = open(text);
      const found = await service.doValidation(document, false);
      return found.map(({ range, message }) => `${range.start.line + 1}: ${message}`);
    },
  };
}

function languageService(schemaRequestService: SchemaRequestService): LanguageService {
  const nothing = () => undefined;
  return getLanguageService({
    schemaRequestService,
    workspaceContext: { resolveRelativePath: (path: string) => path },
    telemetry: { send: async () => undefined, sendError: nothing, sendTrack: nothing },
  } as unknown as Parameters<typeof getLanguageService>[0]);
}

function plainText(markup: string | { readonly value: string } | undefined): string {
  return (typeof markup === 'string' ? markup : (markup?.value ?? '')).replaceAll('\\', '');
}
