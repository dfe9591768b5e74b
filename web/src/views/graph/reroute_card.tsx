import type { NodeProps } from "@xyflow/react";
import { memo } from "react";
import type { CardNode } from "./flow.ts";
import { InputSocket, OutputSocket } from "./sockets.tsx";

export const RerouteCard = memo(function RerouteCard({ data, selected }: NodeProps<CardNode>) {
  const spec = { name: "", type: data.carries, tooltip: "" };
  return (
    <div className={`reroute ${selected ? "selected" : ""}`} title={data.carries}>
      <InputSocket spec={{ ...spec, required: false, widget: false, multiline: false, isSeed: false, imageUpload: false }} connected />
      <OutputSocket spec={spec} slot={0} />
    </div>
  );
});
