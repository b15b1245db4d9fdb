"""Executes notebooks one after the other: run_notebooks.py OUT NOTEBOOK…

OUT receives a JSON object: for every notebook how many plots it drew, and the texts of its outputs. They share a kernel, so that
pandas and matplotlib are loaded once, and nothing else: each begins without the names of the one before.
"""

import json
import os
import sys

import nbformat
from nbclient import NotebookClient

# ipykernel warns of frozen modules that only a debugger would miss.
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

out, *paths = sys.argv[1:]
folder = os.path.dirname(paths[0])
together = nbformat.v4.new_notebook()
spans = {}
for path in paths:
    cells = nbformat.read(path, as_version=4).cells
    together.cells.append(nbformat.v4.new_code_cell("%reset -f"))
    spans[os.path.basename(path)] = slice(len(together.cells), len(together.cells) + len(cells))
    together.cells.extend(cells)
for index, cell in enumerate(together.cells):
    cell["id"] = f"cell-{index}"
NotebookClient(together, timeout=240, startup_timeout=240, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()


def summary(cells):
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    data = [output.get("data", {}) for output in outputs]
    return {
        "plots": sum("image/png" in item for item in data),
        "texts": [output.get("text", item.get("text/plain", "")) for output, item in zip(outputs, data)],
    }


with open(out, "w", encoding="utf-8") as file:
    json.dump({name: summary(together.cells[span]) for name, span in spans.items()}, file)
