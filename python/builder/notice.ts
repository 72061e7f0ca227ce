import { PYODIDE_VERSION } from '../interpreter/assets.js';
import type { Collected } from './collect.js';

/** A comment that bundlers keep. */
export const SCRIPT_NOTICE = `/*! pyodide.asm.mjs of Pyodide ${PYODIDE_VERSION}, MPL-2.0, changed by wsgi-edge build-python. Source: https://github.com/pyodide/pyodide/tree/${PYODIDE_VERSION} */\n`;

/** Writes the notices that the licences of Pyodide and CPython ask for, and lists the packages with their licences.
 *  @param collected  the files of the site zip, with METADATA and the licences of packages */
export function noticeOf(collected: Collected[]): string {
  return `${HEAD}
Packages in site.zip
====================

${packagesOf(collected).join('\n') || 'none'}

${PSF}`;
}

const HEAD = `These assets of a Python application were written by wsgi-edge build-python. They contain other software:

Pyodide ${PYODIDE_VERSION}
==============

pyodide.asm.mjs and pyodide.asm.wasm are those of Pyodide ${PYODIDE_VERSION}, changed. Symbols that nothing here uses are not
exported. Code of the script that links extensions or waits for the event loop is changed or removed, and a task that waits for a
promise keeps its stack of C and its frames of Python. Functions of the module that recursion passes through take more
of C's stack. stdlib.zip has Pyodide's Python modules. Pyodide is subject to the terms of the Mozilla Public License, version 2.0, which you find at
https://mozilla.org/MPL/2.0/. The source of Pyodide is at https://github.com/pyodide/pyodide/tree/${PYODIDE_VERSION}.

pyodide.asm.wasm also contains libraries that Pyodide links, among them Emscripten's C and C++ libraries (musl, LLVM),
libffi, zlib, bzip2, XZ Utils, Zstandard and SQLite. Their sources and licences are named by Pyodide's recipes and by
https://docs.python.org/3.14/license.html#licenses-and-acknowledgements-for-incorporated-software.

CPython 3.14
============

pyodide.asm.wasm contains CPython, compiled to WebAssembly with the patches of Pyodide. stdlib.zip has its standard
library, compiled to .pyc files without column positions. The licence is at the end of this file; its history, and the
licences of earlier owners, are at https://docs.python.org/3.14/license.html.
`;

function packagesOf(collected: Collected[]): string[] {
  return collected
    .filter(({ path }) => /^packages\/[^/]+\.(?:dist-info\/METADATA|egg-info\/PKG-INFO)$/.test(path))
    .map(({ path, bytes }) => {
      const metadata = Buffer.from(bytes).toString();
      const folder = path.slice(0, path.lastIndexOf('/') + 1);
      const files = collected.filter((file) => file.path.startsWith(folder) && isLicence(file.path));
      const texts = files.length > 0 ? `: ${files.map((file) => file.path).join(', ')}` : '';
      return `${field(metadata, 'Name')} ${field(metadata, 'Version')}, ${licenceIn(metadata)}${texts}`;
    });
}

const isLicence = (path: string): boolean => /\/(licen[cs]e|copying|copyright|notice|authors)[^/]*$/i.test(path);

function licenceIn(metadata: string): string {
  const classifiers = Array.from(metadata.matchAll(/^Classifier: License ::.* :: (.+)$/gm), ([, name]) => name);
  return (
    field(metadata, 'License-Expression') ||
    classifiers.join(', ') ||
    field(metadata, 'License') ||
    'no licence is named'
  );
}

const field = (metadata: string, name: string): string =>
  new RegExp(`^${name}: *(.*)$`, 'm').exec(metadata)?.[1]?.trim() ?? '';

const PSF = `Python
======

Copyright (c) 2001 Python Software Foundation.
All Rights Reserved.

Copyright (c) 2000 BeOpen.com.
All Rights Reserved.

Copyright (c) 1995-2001 Corporation for National Research Initiatives.
All Rights Reserved.

Copyright (c) 1991-1995 Stichting Mathematisch Centrum, Amsterdam.
All Rights Reserved.

PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2
--------------------------------------------

1. This LICENSE AGREEMENT is between the Python Software Foundation
("PSF"), and the Individual or Organization ("Licensee") accessing and
otherwise using this software ("Python") in source or binary form and
its associated documentation.

2. Subject to the terms and conditions of this License Agreement, PSF hereby
grants Licensee a nonexclusive, royalty-free, world-wide license to reproduce,
analyze, test, perform and/or display publicly, prepare derivative works,
distribute, and otherwise use Python alone or in any derivative version,
provided, however, that PSF's License Agreement and PSF's notice of copyright,
i.e., "Copyright (c) 2001 Python Software Foundation; All Rights Reserved"
are retained in Python alone or in any derivative version prepared by Licensee.

3. In the event Licensee prepares a derivative work that is based on
or incorporates Python or any part thereof, and wants to make
the derivative work available to others as provided herein, then
Licensee hereby agrees to include in any such work a brief summary of
the changes made to Python.

4. PSF is making Python available to Licensee on an "AS IS"
basis.  PSF MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS OR
IMPLIED.  BY WAY OF EXAMPLE, BUT NOT LIMITATION, PSF MAKES NO AND
DISCLAIMS ANY REPRESENTATION OR WARRANTY OF MERCHANTABILITY OR FITNESS
FOR ANY PARTICULAR PURPOSE OR THAT THE USE OF PYTHON WILL NOT
INFRINGE ANY THIRD PARTY RIGHTS.

5. PSF SHALL NOT BE LIABLE TO LICENSEE OR ANY OTHER USERS OF PYTHON
FOR ANY INCIDENTAL, SPECIAL, OR CONSEQUENTIAL DAMAGES OR LOSS AS
A RESULT OF MODIFYING, DISTRIBUTING, OR OTHERWISE USING PYTHON,
OR ANY DERIVATIVE THEREOF, EVEN IF ADVISED OF THE POSSIBILITY THEREOF.

6. This License Agreement will automatically terminate upon a material
breach of its terms and conditions.

7. Nothing in this License Agreement shall be deemed to create any
relationship of agency, partnership, or joint venture between PSF and
Licensee.  This License Agreement does not grant permission to use PSF
trademarks or trade name in a trademark sense to endorse or promote
products or services of Licensee, or any third party.

8. By copying, installing or otherwise using Python, Licensee
agrees to be bound by the terms and conditions of this License
Agreement.
`;
