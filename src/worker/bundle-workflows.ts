/** A program of its own: `node bundle-workflows.ts WORKFLOWS OUTPUT` writes the workflows' bundle to a file. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import { FAILURE_CONVERTER_PATH } from './data-converter.ts';

const TRACE_CONTEXT = fileURLToPath(new URL('../workflows/trace-context.ts', import.meta.url));

const [workflowsPath, output] = process.argv.slice(2);
if (workflowsPath === undefined || output === undefined)
  throw new Error('cannot bundle: name the file that exports the workflows, and the file to write');

const { code } = await bundleWorkflowCode({
  workflowsPath,
  failureConverterPath: FAILURE_CONVERTER_PATH,
  workflowInterceptorModules: [TRACE_CONTEXT],
  logger: new DefaultLogger('WARN'),
});
await writeFile(output, code, { mode: 0o600 });
