"""tools/check_page: each thing that it forbids is planted, and seen."""

import unittest

from scratch import ROOT, ScratchTest

TABLE = """\
document:
state:
service: document state
views/parts: state
views/create views/graph: document state service views/parts  # screens
app: *
<react>: state views/parts views/create app
<@xyflow/*>: views/graph
"""


class CheckPage(ScratchTest):
    def setUp(self):
        super().setUp()
        self.write("web/layers.txt", TABLE)
        self.write("web/src/document/model.ts", "export const one = 1;\n")
        self.write("web/src/state/store.ts", 'import { useState } from "react";\nexport const store = useState;\n')
        self.write("web/src/service/http.ts", 'import { one } from "../document/model.ts";\nexport const two = one;\n')
        self.write("web/src/views/create/form.tsx", 'import { two } from "../../service/http.ts";\nexport const x = two;\n')
        self.write("web/src/app/main.tsx", 'import "../design.css";\nimport { x } from "../views/create/form.tsx";\n')
        self.write("web/src/design.css", "")

    def check(self):
        return self.run_tool(ROOT / "tools/check_page", "--root", self.folder)

    def in_order(self):
        (self.folder / "web/src/design.css").unlink()
        self.write("web/src/app/main.tsx", 'import { x } from "../views/create/form.tsx";\n')

    def test_a_page_in_order_passes(self):
        self.in_order()
        self.assert_passes(self.check())

    def test_the_page_passes(self):
        self.assert_passes(self.run_tool(ROOT / "tools/check_page"))

    def test_a_file_in_no_layer_fails(self):
        self.assert_fails(self.check(), "web/src/design.css: lies in no layer")

    def test_an_import_upwards_fails(self):
        self.in_order()
        self.write("web/src/state/toasts.ts", '/** Why. */\nimport {\n  two,\n} from "../service/http.ts";\n')
        self.assert_fails(self.check(), "web/src/state/toasts.ts:4: state may not import service (service/http.ts)")

    def test_an_import_of_a_type_counts(self):
        self.in_order()
        self.write("web/src/document/node.ts", 'import type { Two } from "../service/http.ts";\n')
        self.assert_fails(self.check(), "document may not import service")

    def test_what_is_handed_on_and_what_is_fetched_later_count(self):
        self.in_order()
        for line in ('export { two } from "../service/http.ts";', 'export * from "../service/http.ts";',
                     'const load = () => import("../service/http.ts");', 'import "../service/http.ts";'):
            self.write("web/src/state/later.ts", line + "\n")
            self.assert_fails(self.check(), "web/src/state/later.ts:1: state may not import service")

    def test_a_screen_that_imports_another_fails(self):
        self.in_order()
        self.write("web/src/views/graph/canvas.tsx", 'import { x } from "../create/form.tsx";\n')
        self.assert_fails(self.check(), "views/graph may not import views/create")

    def test_a_package_outside_its_layers_fails(self):
        self.in_order()
        self.write("web/src/document/hooks.ts", 'import { useState } from "react";\n')
        self.assert_fails(self.check(), "document may not import react: only app state views/create views/parts may")

    def test_a_package_that_nobody_named_fails(self):
        self.in_order()
        self.write("web/src/views/graph/flow.ts", 'import { Handle } from "@xyflow/react";\nimport { pad } from "left-pad";\n')
        self.assert_fails(self.check(), "web/src/views/graph/flow.ts:2: left-pad is in no line")

    def test_a_file_that_is_not_there_fails(self):
        self.in_order()
        self.write("web/src/state/toasts.ts", 'import { gone } from "./gone.ts";\n')
        self.assert_fails(self.check(), "./gone.ts is no file of web/src")

    def test_a_circle_of_files_fails(self):
        self.in_order()
        self.write("web/src/document/a.ts", 'import { b } from "./b.ts";\n')
        self.write("web/src/document/b.ts", 'import type { A } from "./a.ts";\n')
        self.assert_fails(self.check(), "document/a.ts -> document/b.ts -> document/a.ts is a circle")

    def test_a_circle_in_the_table_fails(self):
        self.in_order()
        self.write("web/layers.txt", TABLE.replace("document:", "document: service"))
        self.assert_fails(self.check(), "document -> service -> document is a circle")

    def test_an_unknown_layer_in_the_table_fails(self):
        self.in_order()
        self.write("web/layers.txt", TABLE.replace("service: document", "service: document codec"))
        self.assert_fails(self.check(), "service names codec, which is no layer")

    def test_a_long_file_fails(self):
        self.in_order()
        self.write("web/src/document/long.ts", "//\n" * 301)
        self.assert_fails(self.check(), "web/src/document/long.ts: 301 lines; at most 300 are wanted")

    def test_long_files_on_the_whole_fail(self):
        self.in_order()
        for name in "abcdefgh":
            self.write(f"web/src/document/{name}.ts", "//\n" * 90)
        self.assert_fails(self.check(), "half of the files have more than 80 lines")

    def test_nothing_to_check_fails(self):
        for file in self.folder.glob("web/src/**/*.ts*"):
            file.unlink()
        self.assert_fails(self.check(), "found no import")


if __name__ == "__main__":
    unittest.main()
