import { type Sandbox, type SandboxOptions, startSandbox, type World, WorldError } from '@nightshift/sandbox';
import { buildFunctions } from '../build.ts';
import { isNightshiftError } from '../functions/core/errors.ts';
import { leaseName } from '../functions/core/execution/lease.ts';
import { parseWindow, type Window } from '../functions/core/window/window.ts';
import { type Definitions, sandboxTemplate } from '../infra/sandbox-template.ts';
import { modelDocuments } from '../ssm-documents/model-node.ts';

export type NightshiftOptions = Pick<SandboxOptions, 'world' | 'port' | 'clock' | 'nodeKind' | 'onLog' | 'onBug'> & {
  /** A CloudFormation template, parsed from JSON, to deploy whole. Default: the product's, with the world's windows. */
  template?: unknown;
  /**
   * Handler file name → path of its bundle. Default: the bundles of the sources, rebuilt if those have changed. Each new
   * world is deployed with what stands here and in `definitions` then.
   */
  bundles?: ReadonlyMap<string, string>;
  definitions?: Definitions;
};

/**
 * Starts a sandbox with nightshift deployed in it, and resolves when it serves.
 *
 * @throws what startSandbox, the build and the synthesis throw; WorldError for a window that breaks a rule, too.
 */
export async function startNightshift({ template, definitions, ...options }: NightshiftOptions): Promise<Sandbox> {
  const bundles =
    options.bundles ?? new Map((await buildFunctions({ quiet: true })).map(({ name, file }) => [name, file]));
  const withWindows = template === undefined ? await sandboxTemplate(definitions) : () => template;
  return startSandbox({
    ...options,
    bundles,
    modelDocuments,
    leaseName,
    stack: 'nightshift',
    template: (world: World) => withWindows(windowsOf(world)),
  });
}

function windowsOf({ windows }: World): Record<string, Window> {
  return Object.fromEntries(Object.entries(windows).map(([name, window]) => [name, windowOf(name, window)]));
}

function windowOf(name: string, window: unknown): Window {
  try {
    return parseWindow(window);
  } catch (cause) {
    if (isNightshiftError(cause)) throw new WorldError(`/windows/${name}: ${cause.message}`, { cause });
    throw cause;
  }
}
