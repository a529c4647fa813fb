import { zipSync } from "fflate";

/** Takes the place of write-excel-file's own packer; see vite.config.ts. */
export default function zip(files: Record<string, Uint8Array>): Promise<ArrayBufferLike> {
  return Promise.resolve(zipSync(files).buffer);
}
