"""Consumer groups: finding the coordinator, joining, syncing, heartbeats, leaving, and what tools ask about groups."""

from typing import Any

from kafka.protocol.admin import (
    DeleteGroupsRequest,
    DeleteGroupsResponse,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
    ListGroupsRequest,
    ListGroupsResponse,
)
from kafka.protocol.consumer import (
    HeartbeatRequest,
    HeartbeatResponse,
    JoinGroupRequest,
    JoinGroupResponse,
    LeaveGroupRequest,
    LeaveGroupResponse,
    SyncGroupRequest,
    SyncGroupResponse,
)
from kafka.protocol.metadata import FindCoordinatorRequest, FindCoordinatorResponse

from pipeline.bus.embedded.connection import Connection, refused
from pipeline.bus.embedded.coordinator import valid_id
from pipeline.bus.embedded.errors import Code, Disconnected
from pipeline.bus.embedded.groups import Group, State
from pipeline.bus.embedded.handlers_admin import NODE_ID
from pipeline.bus.embedded.members import Join, Joined, Synced
from pipeline.bus.embedded.wire import Api

GROUP_KEY = 0


async def find_coordinator(connection: Connection, request: Any, version: int) -> Any:
    """This broker coordinates every group; there are no transactions to coordinate."""
    code = Code.NONE if version == 0 or request.key_type == GROUP_KEY else Code.COORDINATOR_NOT_AVAILABLE
    host, port = connection.local
    return FindCoordinatorResponse(
        throttle_time_ms=0,
        error_code=refused("FindCoordinator", code),
        error_message=None,
        node_id=NODE_ID,
        host=host,
        port=port,
        version=version,
    )


async def join_group(connection: Connection, request: Any, version: int) -> Any:
    """Take a member into its group; the answer waits until the rebalance is complete."""
    if not valid_id(request.group_id):
        return _joined(Joined(Code.INVALID_GROUP_ID, request.member_id), version)
    group = connection.broker.coordinator.group(request.group_id)
    answer = group.join(
        Join(
            member_id=request.member_id,
            instance=request.group_instance_id if version >= 5 else None,
            client_id=connection.client_id,
            host=connection.peer,
            session_ms=request.session_timeout_ms,
            rebalance_ms=request.rebalance_timeout_ms if version >= 1 else request.session_timeout_ms,
            protocol_type=request.protocol_type,
            protocols={protocol.name: bytes(protocol.metadata) for protocol in request.protocols},
            id_required=version >= 4,
        )
    )
    try:
        result = await connection.wait(answer)
    except Disconnected:
        group.abandon(answer)
        raise
    return _joined(result or Joined(Code.UNKNOWN_MEMBER_ID, request.member_id), version)


def _joined(result: Joined, version: int) -> Any:
    return JoinGroupResponse(
        throttle_time_ms=0,
        error_code=refused("JoinGroup", result.code),
        generation_id=result.generation,
        protocol_name=result.protocol,
        leader=result.leader,
        member_id=result.member_id,
        members=[
            JoinGroupResponse.JoinGroupResponseMember(member_id=member, group_instance_id=instance, metadata=data)
            for member, instance, data in result.members
        ],
        version=version,
    )


async def sync_group(connection: Connection, request: Any, version: int) -> Any:
    """Hand each member what the leader assigned to it."""
    group = connection.broker.coordinator.find(request.group_id)
    result: Synced | None = Synced(Code.UNKNOWN_MEMBER_ID)
    if group is not None:
        assignments = {entry.member_id: bytes(entry.assignment) for entry in request.assignments}
        instance = request.group_instance_id if version >= 3 else None
        answer = group.sync(request.member_id, instance, request.generation_id, assignments)
        # Before any member has its answer, so that none can act on an assignment that a kill makes us forget.
        connection.broker.coordinator.keep()
        try:
            result = await connection.wait(answer)
        except Disconnected:
            group.abandon(answer)
            raise
    result = result or Synced(Code.UNKNOWN_MEMBER_ID)
    return SyncGroupResponse(
        throttle_time_ms=0, error_code=refused("SyncGroup", result.code), assignment=result.assignment, version=version
    )


async def heartbeat(connection: Connection, request: Any, version: int) -> Any:
    """Keep a member in, or tell it to join again."""
    group = connection.broker.coordinator.find(request.group_id)
    instance = request.group_instance_id if version >= 3 else None
    code = Code.UNKNOWN_MEMBER_ID
    if group is not None:
        code = group.heartbeat(request.member_id, instance, request.generation_id)
    return HeartbeatResponse(throttle_time_ms=0, error_code=refused("Heartbeat", code), version=version)


async def leave_group(connection: Connection, request: Any, version: int) -> Any:
    """Remove members that say goodbye."""
    group = connection.broker.coordinator.find(request.group_id)
    if version >= 3:
        leaving = [(member.member_id, member.group_instance_id) for member in request.members]
    else:
        leaving = [(request.member_id, None)]
    codes = [_left(group, member, instance) for member, instance in leaving]
    return LeaveGroupResponse(
        throttle_time_ms=0,
        error_code=refused("LeaveGroup", Code.NONE if version >= 3 else codes[0]),
        members=[
            LeaveGroupResponse.MemberResponse(member_id=member, group_instance_id=instance, error_code=int(code))
            for (member, instance), code in zip(leaving, codes, strict=True)
        ],
        version=version,
    )


def _left(group: Group | None, member_id: str, instance: str | None) -> Code:
    return Code.UNKNOWN_MEMBER_ID if group is None else group.leave(member_id, instance)


async def list_groups(connection: Connection, request: Any, version: int) -> Any:
    """Every group with members or with committed offsets."""
    known = connection.broker.coordinator.groups
    names = sorted(set(known) | connection.broker.offsets.groups())
    return ListGroupsResponse(
        throttle_time_ms=0,
        error_code=0,
        groups=[
            ListGroupsResponse.ListedGroup(
                group_id=name, protocol_type=known[name].protocol_type if name in known else "consumer"
            )
            for name in names
        ],
        version=version,
    )


async def describe_groups(connection: Connection, request: Any, version: int) -> Any:
    """State and members of groups."""
    return DescribeGroupsResponse(
        throttle_time_ms=0,
        groups=[_described(connection, name) for name in request.groups],
        version=version,
    )


def _described(connection: Connection, name: str) -> Any:
    response = DescribeGroupsResponse.DescribedGroup
    group = connection.broker.coordinator.find(name)
    if group is None:
        state = State.EMPTY if name in connection.broker.offsets.groups() else "Dead"
        return response(error_code=0, group_id=name, group_state=state, protocol_type="", protocol_data="", members=[])
    return response(
        error_code=0,
        group_id=name,
        group_state=group.state,
        protocol_type=group.protocol_type,
        protocol_data=group.protocol,
        members=[
            response.DescribedGroupMember(
                member_id=member.member_id,
                group_instance_id=member.instance,
                client_id=member.client_id,
                client_host=member.host,
                member_metadata=member.protocols.get(group.protocol, b""),
                member_assignment=member.assignment,
            )
            for member in group.members.values()
        ],
    )


async def delete_groups(connection: Connection, request: Any, version: int) -> Any:
    """Forget the offsets of groups nobody is in."""
    results = []
    for name in request.groups_names:
        code = connection.broker.coordinator.forget(name)
        if code is not Code.NON_EMPTY_GROUP and connection.broker.offsets.forget_group(name):
            code = Code.NONE
        results.append(
            DeleteGroupsResponse.DeletableGroupResult(group_id=name, error_code=refused("DeleteGroups", code))
        )
    return DeleteGroupsResponse(throttle_time_ms=0, results=results, version=version)


APIS = [
    Api(FindCoordinatorRequest, FindCoordinatorResponse, 0, 2, find_coordinator),
    Api(JoinGroupRequest, JoinGroupResponse, 0, 5, join_group),
    Api(SyncGroupRequest, SyncGroupResponse, 0, 3, sync_group),
    Api(HeartbeatRequest, HeartbeatResponse, 0, 3, heartbeat),
    Api(LeaveGroupRequest, LeaveGroupResponse, 0, 3, leave_group),
    Api(ListGroupsRequest, ListGroupsResponse, 0, 2, list_groups),
    Api(DescribeGroupsRequest, DescribeGroupsResponse, 0, 4, describe_groups),
    Api(DeleteGroupsRequest, DeleteGroupsResponse, 0, 1, delete_groups),
]
