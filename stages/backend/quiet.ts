/**
 * Loads TensorFlow without its words. Up to the moment when it reads its settings, TensorFlow logs to standard error whatever they
 * say ("oneDNN custom operations are on", where the processor has AVX-512), while the loader runs its static constructors. So a small
 * addon of ours, compiled beside TensorFlow's, loads that one first, with standard error closed for so long.
 */
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileProgram } from './compile.js';
import type { Tool } from './toolchain.js';

/** File name of the small addon, beside TensorFlow's. */
export const quietName = 'quiet.node';

/** Its source. What cannot be loaded is silently left to `require`, which then says why. */
export const quietSource = `#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>
#include <string>

static napi_value load(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, nullptr, 0, &length);
  std::string path(length, '\\0');
  napi_get_value_string_utf8(env, argument, &path[0], length + 1, &length);
  const int kept = dup(2);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, 2);
  dlopen(path.c_str(), RTLD_LAZY);
  if (kept >= 0) dup2(kept, 2);
  if (kept >= 0) close(kept);
  if (nowhere >= 0) close(nowhere);
  return nullptr;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "load", NAPI_AUTO_LENGTH, load, nullptr, &function);
  napi_set_named_property(env, exports, "load", function);
  return exports;
}
`;

/** Compiles the small addon into a folder. Throws as `compileProgram` does. */
export async function compileQuiet(compiler: Tool, folder: string, platform: string): Promise<void> {
  const source = join(folder, 'quiet.cc');
  await writeFile(source, quietSource);
  await compileProgram(compiler, { platform, folder, sources: [source], output: join(folder, quietName) });
  await rm(source);
}

/** Loads an addon into the process without a word, before it is required. */
export function loadQuietly(addon: string): void {
  const { load } = createRequire(import.meta.url)(join(dirname(addon), quietName)) as { load(path: string): void };
  load(addon);
}
