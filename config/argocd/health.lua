-- Health of a KcpMcpServer for Argo CD. It runs there with Lua's base and table libraries only.

-- What may yet come with the same sync, or by itself: not a failure.
local awaited = {
  Forbidden = true,
  IssuerNotFound = true,
  IssuerNotReady = true,
  IssuerUnreachable = true,
  KindNotInstalled = true,
  NotFound = true,
  NotPermitted = true,
  SourceNotReady = true,
}

local function health(status, message)
  return { status = status, message = message }
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "being deleted")
end

local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "the operator has not acted on this spec yet")
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local ready = conditions.Ready
if ready == nil then
  return health("Progressing", "the operator has not acted on this spec yet")
end

local message = ready.reason .. ": " .. ready.message
if ready.status == "True" then
  return health("Healthy", ready.message)
elseif conditions.Stalled ~= nil and conditions.Stalled.status == "True" then
  return health("Degraded", message)
elseif ready.reason == "ScaledToZero" then
  return health("Suspended", message)
elseif conditions.Reconciling ~= nil and conditions.Reconciling.reason == "WaitingForReference" and not awaited[ready.reason] then
  -- It was tried, and somebody has to act.
  return health("Degraded", message)
end
return health("Progressing", message)
